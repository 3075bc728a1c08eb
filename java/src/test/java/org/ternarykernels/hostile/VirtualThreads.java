package org.ternarykernels.hostile;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.ternarykernels.Alpha;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/**
 * Ten thousand virtual threads on one layer, with errors, interrupts and runtimes of their own
 * among them. By reflection, since the tests are compiled for JDK 17.
 */
public final class VirtualThreads {
  private static final int THREADS = 10_000;
  private static final int N = 64;
  private static final int K = 256;

  private final LongAdder right = new LongAdder();
  private final LongAdder wrong = new LongAdder();
  private final TernaryWeights weights;
  private final TernaryLinear layer;
  private final float[] x = new float[K];
  private final float[] expected;

  private VirtualThreads() {
    Random random = new Random(1);
    byte[] w = new byte[N * K];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    for (int i = 0; i < K; i++) {
      x[i] = (float) random.nextGaussian();
    }
    weights = TernaryWeights.pack(w, N, K, Alpha.tensor(0.5f));
    layer = TernaryLinear.builder(TernaryRuntime.builder().threads(2).build(), weights).build();
    expected = layer.apply(x, 1);
  }

  public static void main(String[] arguments) throws Exception {
    VirtualThreads threads = new VirtualThreads();
    ExecutorService executor =
        (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
    for (int i = 0; i < THREADS; i++) {
      int id = i;
      executor.execute(() -> threads.run(id));
    }
    executor.shutdown();
    boolean ended = executor.awaitTermination(100, TimeUnit.SECONDS);
    System.out.println("ended: " + ended);
    System.out.println("right: " + threads.right);
    System.out.println("wrong: " + threads.wrong);
    System.exit(0);
  }

  private void run(int id) {
    try {
      for (int i = 0; i < 3; i++) {
        boolean kept;
        if (id % 7 == 3) {
          kept = hearsItsOwnSentence("none" + id);
        } else if (id % 11 == 5) {
          Thread.currentThread().interrupt();
          kept = isRight(layer) && Thread.interrupted();
        } else if (id % 1000 == 999) {
          try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
              TernaryLinear own = TernaryLinear.builder(runtime, weights).build()) {
            kept = isRight(own);
          }
        } else {
          kept = isRight(layer);
        }
        (kept ? right : wrong).increment();
        Thread.yield();
      }
    } catch (Throwable e) { // an error is a finding too
      wrong.increment();
      System.out.println(e);
    }
  }

  private boolean isRight(TernaryLinear layer) {
    return Arrays.equals(layer.apply(x, 1), expected);
  }

  private static boolean hearsItsOwnSentence(String device) {
    try {
      TernaryRuntime.builder().device(device).build();
      return false;
    } catch (IllegalArgumentException e) {
      return e.getMessage().contains('"' + device + '"');
    }
  }
}
