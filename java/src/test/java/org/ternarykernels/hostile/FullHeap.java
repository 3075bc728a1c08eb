package org.ternarykernels.hostile;

import java.util.Arrays;
import java.util.Random;
import org.ternarykernels.jvm.ProcessState;

/** Calls of every kind while the Java heap is full: {@code FullHeap ROUNDS}. */
public final class FullHeap {
  private static final Object[] HELD = new Object[1 << 18];
  private static final int CALLS = 2;

  private static final int LARGE = 16 << 10;

  /** Arrays of this size and less make room for a call, and fill it again. */
  private static final int SMALL = 64;

  private FullHeap() {}

  public static void main(String[] arguments) throws Exception {
    Workload workload = new Workload();
    ProcessState.settle();
    long resident = ProcessState.residentKilobytes();
    long threads = ProcessState.threads();
    Random random = new Random(1);
    int failed = 0;
    for (int round = 0; round < Integer.parseInt(arguments[0]); round++) {
      int large = fill(0, 1 << 20, LARGE);
      int full = fill(large, SMALL, 16);
      for (int kind = 0; kind < workload.kinds(); kind++) {
        int held = full;
        for (int freed = random.nextInt(12); freed > 0 && held > large; freed--) {
          HELD[--held] = null;
        }
        for (int call = 0; call < CALLS; call++) {
          try {
            workload.call(kind);
          } catch (OutOfMemoryError e) {
            failed++;
          }
        }
        full = fill(held, SMALL, 16);
      }
      Arrays.fill(HELD, null);
    }
    System.out.println("failed: " + failed);
    Workload.report(workload, resident, threads);
  }

  /** Adds arrays until there is no room for the smallest; returns the number of arrays held. */
  private static int fill(int held, int largest, int smallest) {
    for (int size = largest; size >= smallest; ) {
      try {
        HELD[held] = new byte[size];
        held++;
      } catch (OutOfMemoryError e) {
        size >>= 1;
      }
    }
    return held;
  }
}
