package org.ternarykernels.hostile;

import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/**
 * Exits while threads create, use and close runtimes, and use one that they share: {@code BusyExit
 * MILLISECONDS}.
 */
public final class BusyExit {
  private static final int N = 1024;
  private static final int ROWS = 512;

  private BusyExit() {}

  public static void main(String[] arguments) throws Exception {
    TernaryWeights weights = TernaryWeights.pack(new byte[N * N], N, N, Alpha.tensor(1));
    TernaryLinear layer =
        TernaryLinear.builder(TernaryRuntime.builder().threads(3).build(), weights).build();
    for (int i = 0; i < 6; i++) {
      boolean shares = i % 2 == 0;
      Thread thread = new Thread(() -> forever(weights, shares ? layer : null), "busy " + i);
      thread.setDaemon(true);
      thread.start();
    }
    Thread.sleep(Long.parseLong(arguments[0]));
    System.exit(0);
  }

  private static void forever(TernaryWeights weights, TernaryLinear shared) {
    TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, (long) ROWS * N);
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) ROWS * N);
    while (true) {
      if (shared != null) {
        shared.apply(x, y, ROWS);
      } else {
        try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
            TernaryLinear layer = TernaryLinear.builder(runtime, weights).build()) {
          layer.apply(x, y, 2);
        }
      }
    }
  }
}
