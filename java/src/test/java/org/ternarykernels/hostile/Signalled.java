package org.ternarykernels.hostile;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.ternarykernels.Alpha;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** Long products while the process is sent signals that end no JVM. */
public final class Signalled {
  private static final int N = 512;
  private static final int ROWS = 64;
  private static final String[] SIGNALS = {"WINCH", "URG", "CHLD", "CONT", "PIPE", "QUIT"};

  private Signalled() {}

  public static void main(String[] arguments) throws Exception {
    Random random = new Random(1);
    byte[] w = new byte[N * N];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    float[] x = new float[ROWS * N];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    TernaryWeights weights = TernaryWeights.pack(w, N, N, Alpha.tensor(1));
    TernaryLinear layer =
        TernaryLinear.builder(TernaryRuntime.builder().threads(2).build(), weights).build();
    float[] expected = layer.apply(x, ROWS);
    AtomicBoolean over = new AtomicBoolean();
    Thread signaller = new Thread(() -> signal(over), "signaller");
    signaller.start();
    int calls = 0;
    while (!over.get()) {
      if (!Arrays.equals(layer.apply(x, ROWS), expected)) {
        throw new AssertionError("other bits in call " + calls);
      }
      calls++;
    }
    signaller.join();
    System.out.println("calls: " + calls);
  }

  private static void signal(AtomicBoolean over) {
    String pid = Long.toString(ProcessHandle.current().pid());
    try {
      for (int round = 0; round < 4; round++) {
        for (String signal : SIGNALS) {
          if (new ProcessBuilder("kill", "-" + signal, pid).start().waitFor() != 0) {
            throw new AssertionError("kill -" + signal + " failed");
          }
        }
      }
    } catch (Exception e) {
      throw new AssertionError(e);
    } finally {
      over.set(true);
    }
  }
}
