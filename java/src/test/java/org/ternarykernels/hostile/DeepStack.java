package org.ternarykernels.hostile;

import java.util.Random;
import org.ternarykernels.jvm.ProcessState;

/**
 * Calls of every kind with so little stack left that many end in StackOverflowError: {@code
 * DeepStack DEPTHS} descends to the end of a stack that often for each kind, and calls a random
 * number of frames above it.
 */
public final class DeepStack {
  private static final int FRAMES = 120;
  private static final long STACK_BYTES = 256 << 10;

  private final Workload workload;
  private final int kind;

  /** Frames from the stack's end to the call. */
  private int above;

  private int failed;

  /** What else than a StackOverflowError a call threw. */
  private Throwable broken;

  private DeepStack(Workload workload, int kind) {
    this.workload = workload;
    this.kind = kind;
  }

  public static void main(String[] arguments) throws Exception {
    int depths = Integer.parseInt(arguments[0]);
    Workload workload = new Workload();
    ProcessState.settle();
    long resident = ProcessState.residentKilobytes();
    long threads = ProcessState.threads();
    int failed = 0;
    for (int kind = 0; kind < workload.kinds(); kind++) {
      DeepStack deep = new DeepStack(workload, kind);
      Random random = new Random(kind);
      Thread thread =
          new Thread(
              null,
              () -> {
                for (int i = 0; i < depths; i++) {
                  deep.above = random.nextInt(FRAMES);
                  deep.descend();
                }
              },
              "deep",
              STACK_BYTES);
      thread.setUncaughtExceptionHandler((t, thrown) -> deep.broken = thrown);
      thread.start();
      thread.join();
      if (deep.broken != null) {
        throw new AssertionError("kind " + kind + " of calls", deep.broken);
      }
      failed += deep.failed;
    }
    System.out.println("failed: " + failed);
    Workload.report(workload, resident, threads);
  }

  /** Returns how many frames up the call is to be made; negative once it has been. */
  private int descend() {
    int up;
    try {
      up = descend();
    } catch (StackOverflowError e) {
      up = above;
    }
    if (up == 0) {
      try {
        workload.call(kind);
      } catch (StackOverflowError e) {
        failed++;
      }
    }
    return up - 1;
  }
}
