package org.ternarykernels.hostile;

import java.util.Arrays;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.Heads;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.Users;
import org.ternarykernels.jvm.ProcessState;

/**
 * Calls of every kind on small objects, and what must hold when they and everything else are over,
 * whichever errors the JVM threw into them.
 */
final class Workload {
  private static final int N = 64;
  private static final int K = 256;

  private final TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
  private final TernaryWeights weights =
      TernaryWeights.pack(new byte[N * K], N, K, Alpha.tensor(1));
  private final TernaryLinear linear =
      TernaryLinear.builder(runtime, weights).bias(new float[N]).build();
  private final RmsNormLinear normed =
      RmsNormLinear.builder(runtime, weights).norm(new float[K], 1e-5f).build();
  private final TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, K);
  private final TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, N);
  private final TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, K);
  private final TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, 1);
  private final TernaryBuffer x2 = TernaryBuffer.allocate(DataType.F32, K);
  private final Routing routing = Routing.allocate(1, 1, DataType.F32);
  private final Router router = Router.builder(1, 1).build();
  private final ExpertWeights w13 =
      ExpertWeights.pack(new byte[2 * N * K], 1, 2 * N, K, ExpertAlpha.expert(1));
  private final ExpertWeights w2 =
      ExpertWeights.pack(new byte[N * K], 1, K, N, ExpertAlpha.expert(1));
  private final MoeLayer experts = MoeLayer.builder(runtime, w13, w2).build();
  private final float[] floats = new float[K];
  private final byte[] large = new byte[1 << 21];
  private final Alpha alpha = Alpha.tensor(1);
  private final List<Runnable> kinds =
      List.of(
          () -> linear.apply(x, y, 1),
          () -> normed.apply(x, null, null, y, 1),
          () -> linear.apply(floats, 1),
          this::refused,
          () -> TernaryLinear.builder(runtime, weights).build().close(),
          () -> TernaryRuntime.builder().threads(2).maxIsa(Isa.PORTABLE).build().close(),
          runtime::pathCounts,
          runtime::infoJson,
          () -> runtime.quantise(x, null, null, q, s, 1, K),
          () -> runtime.rotate(x, null, 64, null, false, x, 1, K),
          () -> runtime.qkNorm(Heads.of(x, K, 2, y, 1e-5f), null, N, 1),
          () -> experts.apply(x, routing, x2, 1),
          () -> runtime.experts().route(router, s, routing, 1),
          () -> ExpertWeights.pack(new byte[2 * K], 1, 2, K, ExpertAlpha.expert(1)).close(),
          () -> runtime.chooseLayout(Activation.A8, N, K, 0),
          () -> TernaryWeights.pack(large, 2048, 1024, alpha).close(),
          () -> weights.repack(Layout.T5_TILED).close(),
          weights::codes,
          () -> TernaryBuffer.allocate(DataType.F32, 1 << 19).put(0, 1f),
          () -> x.slice(1, 2).get(0),
          x::asByteBuffer);

  /** Calls everything, so that no class is loaded and initialised later. */
  Workload() {
    for (int round = 0; round < 3; round++) {
      kinds.forEach(Runnable::run);
    }
  }

  private void refused() {
    try {
      linear.apply(x, x, 1);
      throw new AssertionError("an output that is the input is taken");
    } catch (IllegalArgumentException e) {
      // as it should be
    }
  }

  int kinds() {
    return kinds.size();
  }

  void call(int kind) {
    kinds.get(kind).run();
  }

  /**
   * Closes everything and says what is left of it: users that no call or layer is, memory and
   * threads.
   *
   * @param residentBefore kilobytes
   * @param threadsBefore while this workload was open
   */
  static void report(Workload workload, long residentBefore, long threadsBefore) throws Exception {
    ProcessState.settle();
    System.out.println("users of the weights: " + Users.of(workload.weights));
    System.out.println(
        "bits kept: " + Arrays.equals(workload.linear.apply(workload.floats, 1), new float[N]));
    workload.linear.close();
    workload.normed.close();
    workload.experts.close();
    workload.w13.close();
    workload.w2.close();
    System.out.println("users without layers: " + Users.of(workload.weights));
    workload.weights.close();
    workload.runtime.close();
    ProcessState.settle();
    System.out.println("more threads: " + (ProcessState.threads() - threadsBefore));
    System.out.println("grown by KB: " + (ProcessState.residentKilobytes() - residentBefore));
  }
}
