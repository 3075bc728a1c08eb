package org.ternarykernels.hostile;

import java.util.Arrays;
import java.util.Random;
import org.ternarykernels.jvm.ProcessState;

/** Calls of every kind while the Java heap is full: {@code FullHeap ROUNDS}. */
public final class FullHeap {
  private static final Object[] HELD = new Object[1 << 18];

  private FullHeap() {}

  public static void main(String[] arguments) throws Exception {
    Workload workload = new Workload();
    ProcessState.settle();
    long resident = ProcessState.residentKilobytes();
    long threads = ProcessState.threads();
    Random random = new Random(1);
    int failed = 0;
    for (int round = 0; round < Integer.parseInt(arguments[0]); round++) {
      int held = fill();
      for (int freed = random.nextInt(60); freed > 0 && held > 0; freed--) {
        HELD[--held] = null;
      }
      for (int call = 0; call < 6; call++) {
        try {
          workload.call(round % workload.kinds());
        } catch (OutOfMemoryError e) {
          failed++;
        }
      }
      Arrays.fill(HELD, null);
    }
    System.out.println("failed: " + failed);
    Workload.report(workload, resident, threads);
  }

  /** Fills the heap to its last bytes; returns the number of arrays held. */
  private static int fill() {
    int held = 0;
    for (int size = 1 << 20; size >= 16; ) {
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
