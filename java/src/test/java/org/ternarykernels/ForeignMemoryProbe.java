package org.ternarykernels;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.FloatPointer;
import org.ternarykernels.jvm.ProcessState;

/** One thread calls, another changes or frees what the call reads; a JVM that dies says nothing. */
final class ForeignMemoryProbe {
  private ForeignMemoryProbe() {}

  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "arrays" -> arrays();
      case "pointers" -> whileClosing(ForeignMemoryProbe::pointer);
      case "buffers" -> whileClosing(ForeignMemoryProbe::allocated);
      case "growth" -> growth();
      default -> throw new IllegalArgumentException(arguments[0]);
    }
    System.out.println("survived");
  }

  /** The last of many sizes is another one each time it is read. */
  private static void arrays() throws Exception {
    int large = 1 << 14;
    int small = 4;
    int k = 256;
    TernaryBuffer whole = TernaryBuffer.allocate(DataType.I8, large / 4 * k);
    long[] n = new long[2000];
    TernaryBuffer[] packed = new TernaryBuffer[n.length];
    Arrays.fill(packed, whole.slice(0, small / 4 * k));
    Arrays.fill(n, small);
    AtomicBoolean stop = new AtomicBoolean();
    Thread changing =
        new Thread(
            () -> {
              while (!stop.get()) {
                n[n.length - 1] = large;
                Thread.onSpinWait();
                n[n.length - 1] = small;
              }
            });
    changing.start();
    for (int i = 0; i < 1500; i++) {
      try {
        TernaryWeights.ofBitNet(packed, n, k, Alpha.tensor(1), Layout.I2S_TILED).close();
      } catch (IllegalArgumentException e) {
        // Cloned when it was large.
      }
    }
    stop.set(true);
    changing.join();
  }

  /** Above 32 MB glibc unmaps what is freed, so that a use after it cannot stay unseen. */
  private static final int K = 9 << 20;

  private static final int ROUNDS = 60;

  private interface Source {
    Closing open();
  }

  private record Closing(TernaryBuffer x, Runnable close) {}

  private static Closing pointer() {
    FloatPointer pointer = new FloatPointer(K);
    return new Closing(TernaryBuffer.of(pointer, DataType.F32), pointer::close);
  }

  private static Closing allocated() {
    TernaryBuffer buffer = TernaryBuffer.allocate(DataType.F32, K);
    return new Closing(buffer, buffer::close);
  }

  private static void whileClosing(Source source) throws Exception {
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
        TernaryWeights weights = TernaryWeights.pack(new byte[K], 1, K, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build();
        TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 1)) {
      AtomicInteger refused = new AtomicInteger();
      for (int round = 0; round < ROUNDS; round++) {
        Closing closing = source.open();
        Thread caller =
            new Thread(
                () -> {
                  try {
                    for (int i = 0; i < 1000; i++) {
                      linear.apply(closing.x, y, 1);
                      closing.x.get(K - 1);
                    }
                  } catch (IllegalStateException e) {
                    refused.incrementAndGet();
                  }
                });
        caller.start();
        Thread.sleep(0, 300_000 + round * 10_000);
        closing.close.run();
        caller.join();
      }
      if (refused.get() != ROUNDS) {
        throw new AssertionError(
            refused + " of " + ROUNDS + " callers were told that the memory is closed");
      }
    }
  }

  private static void growth() throws Exception {
    int n = 1024;
    int k = 1024;
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryWeights weights = TernaryWeights.pack(new byte[n * k], n, k, Alpha.tensor(1));
        TernaryLinear linear = TernaryLinear.builder(runtime, weights).build()) {
      float[] x = new float[512 * k];
      long early = 0;
      for (int call = 1; call <= 400; call++) {
        linear.apply(x, 512);
        if (call == 40) {
          early = ProcessState.residentKilobytes();
        }
      }
      System.out.println("grown by " + (ProcessState.residentKilobytes() - early) + " KB");
    }
  }
}
