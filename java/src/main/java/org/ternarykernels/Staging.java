package org.ternarykernels;

import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Native copies of arrays for the length of a call. One block is kept for the next call, so that a
 * loop of calls neither allocates each time nor leaves anything to the collector.
 */
final class Staging {
  /** What is kept between calls; a larger block is freed at once. */
  private static final long MOST_KEPT = 16 << 20;

  /** Floats: y begins at a cache line. */
  private static final long LINE = 16;

  private final AtomicReference<@Nullable TernaryBuffer> kept = new AtomicReference<>();

  /** What is done with the copies. */
  interface Product {
    void run(TernaryBuffer x, TernaryBuffer y);
  }

  /** Runs a product of a copy of x, and copies its result to y. */
  void use(float[] x, float[] y, Product product) {
    long yStart = (x.length + LINE - 1) / LINE * LINE;
    TernaryBuffer memory = take(yStart + y.length);
    try {
      memory.put(0, x);
      TernaryBuffer result = memory.slice(yStart, y.length);
      product.run(memory.slice(0, x.length), result);
      result.get(0, y);
    } finally {
      if (memory.byteSize() > MOST_KEPT || !kept.compareAndSet(null, memory)) {
        memory.close();
      }
    }
  }

  private TernaryBuffer take(long floats) {
    TernaryBuffer memory = kept.getAndSet(null);
    if (memory != null) {
      if (memory.elements() >= floats) {
        return memory;
      }
      memory.close();
    }
    return TernaryBuffer.allocate(DataType.F32, floats);
  }

  /** Frees what is kept. */
  void close() {
    TernaryBuffer memory = kept.getAndSet(null);
    if (memory != null) {
      memory.close();
    }
  }
}
