package org.ternarykernels;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Measures what a piece of code allocates on the Java heap. */
final class Allocations {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Allocations() {}

  /** Bytes that 1000 runs allocate, after a warm-up: less than 1000 means that a run allocates nothing. */
  static long ofThousandRuns(Runnable code) {
    run(code);
    long thread = Thread.currentThread().getId();
    long before = THREADS.getThreadAllocatedBytes(thread);
    run(code);
    return THREADS.getThreadAllocatedBytes(thread) - before;
  }

  private static void run(Runnable code) {
    for (int i = 0; i < 1000; i++) {
      code.run();
    }
  }
}
