package org.ternarykernels;

import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Two blocks on one stream: a router chooses experts of X, their output is the next block's X, and
 * both add it to one residual in place. Nobody but the device sees an id.
 */
@Tag("gpu")
class CudaMoeChainTest {
  private static final int E = 6;
  private static final int K = 3;
  private static final int H = 96;
  private static final int I = 40;
  private static final TernaryRuntime RUNTIME = TernaryRuntime.create();
  private static final CudaStream STREAM = CudaStream.create(RUNTIME);

  private final Random random = new Random(23);
  private final DeviceBuffers memory = new DeviceBuffers(RUNTIME, STREAM);
  private final Block first = new Block(Activation.A8);
  private final Block second = new Block(Activation.a8(32));

  private Routing chosen;
  private DeviceBuffer residual;
  private DeviceBuffer routeWorkspace;
  private DeviceBuffer workspace;

  @AfterAll
  static void close() {
    STREAM.close();
    RUNTIME.close();
  }

  @AfterEach
  void closeAll() {
    memory.close();
    first.layer.close();
    second.layer.close();
  }

  private ExpertWeights weights(int n, int k) {
    byte[] w = Problems.ternary(random, E * n * k);
    return ExpertWeights.pack(w, E, n, k, ExpertAlpha.row(Problems.floats(random, E * n)));
  }

  /** A router and its experts. */
  private final class Block {
    final TernaryBuffer matrix = Problems.activations(random, DataType.BF16, E * H);
    final MoeLayer layer;
    final DeviceBuffer onGpu = memory.of(matrix);

    Block(Activation activation) {
      try (ExpertWeights w13 = weights(2 * I, H);
          ExpertWeights w2 = weights(H, I)) {
        layer = MoeLayer.builder(RUNTIME, w13, w2).activation(activation).build();
      }
    }

    private Router.Builder router() {
      return Router.builder(E, K).renormalise(0);
    }

    /** Gives the block's work to the stream; y is its output, which the residual gains. */
    void start(DeviceBuffer x, DeviceBuffer y, int m) {
      Router router = router().matrix(onGpu, H).build();
      RUNTIME.experts().route(router, x, H, chosen, m, STREAM, routeWorkspace);
      layer.apply(x, H, null, chosen, residual, residual, H, y, H, m, STREAM, workspace);
    }

    /** The same by the oracle. */
    TernaryBuffer expected(TernaryBuffer x, TernaryBuffer residual, int m) {
      Routing routing = Routing.allocate(m, K, DataType.F32);
      ExpertOracle.route(router().matrix(matrix, H).build(), x, H, routing, m);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) m * H);
      ExpertOracle.moe(layer, x, H, null, routing, residual, residual, H, y, H, m);
      return y;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 100})
  void idsThatNeverLeaveTheDevice(int m) {
    long elements = (long) m * H;
    DeviceBuffer x = memory.of(DataType.F32, elements);
    DeviceBuffer between = memory.of(DataType.F32, elements);
    DeviceBuffer y = memory.of(DataType.F32, elements);
    chosen = memory.of(Routing.allocate(m, K, DataType.F32));
    residual = memory.of(DataType.BF16, elements);
    routeWorkspace = memory.of(DataType.I8, RUNTIME.experts().routeWorkspaceBytes(m, E));
    workspace =
        memory.of(
            DataType.I8,
            Math.max(first.layer.workspaceBytes(m, K), second.layer.workspaceBytes(m, K)));
    Runnable work =
        () -> {
          first.start(x, between, m);
          second.start(between, y, m);
        };
    assertRight(x, y, m, work);
    try (CudaGraph graph = STREAM.capture(work)) {
      for (int launch = 0; launch < 2; launch++) {
        assertRight(x, y, m, () -> graph.launch(STREAM)); // other rows, so other ids
      }
    }
  }

  private void assertRight(DeviceBuffer x, DeviceBuffer y, int m, Runnable work) {
    TernaryBuffer rows = Problems.activations(random, DataType.F32, m * H);
    TernaryBuffer sums = Problems.activations(random, DataType.BF16, m * H);
    x.copyFrom(rows, STREAM);
    residual.copyFrom(sums, STREAM);
    work.run();
    TernaryBuffer between = first.expected(rows, sums, m);
    Problems.assertSameBits(memory.read(y), second.expected(between, sums, m));
    Problems.assertSameBits(memory.read(residual), sums);
  }
}
