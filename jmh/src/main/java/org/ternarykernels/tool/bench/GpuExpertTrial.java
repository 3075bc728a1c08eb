package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;
import org.ternarykernels.Activation;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.ExpertOracle;
import org.ternarykernels.Layout;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * A layer of experts or a router on a GPU: checked against the oracle, then timed as {@link
 * GpuTrial} times products.
 */
final class GpuExpertTrial implements AutoCloseable {
  private static final long SEED = 1;

  private final TernaryRuntime runtime;
  private final MoeShape shape;
  private final int m;
  private final TernaryBuffer hostX;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final CudaStream stream;
  private final DeviceBuffer x;
  private int copies;

  /** Different calls. */
  private int calls;

  /** Bytes of weights that a call reads. */
  private double bytes;

  /** Gives the i-th call to the stream. */
  private IntConsumer call;

  /** Checks the first call and the last, and tells of how many rows of the first. */
  private IntSupplier check;

  private GpuExpertTrial(TernaryRuntime runtime, MoeShape shape, int m) {
    this.runtime = runtime;
    this.shape = shape;
    this.m = m;
    hostX = new RandomProblem(Workload.ROW_SEED).activations(DataType.BF16, m, shape.h());
    stream = keep(CudaStream.create(runtime));
    x = keep(DeviceBuffer.copyOf(runtime, hostX));
  }

  /** The weights of trials, so many that a GPU's caches hold them or do not. */
  static ExpertCopies weights(MoeShape shape, Layout layout, State memory) {
    return new ExpertCopies(shape, SEED, layout, spread(memory));
  }

  private static long spread(State memory) {
    return memory == State.RESIDENT ? 1 : WeightCopies.GPU_STREAMING_BYTES;
  }

  /** The choices that calls make one after the other. */
  static ExpertRounds rounds(MoeShape shape, ExpertChoice choice, State memory, int m) {
    return new ExpertRounds(
        choice.ids(SEED, m, shape), shape.experts(), memory == State.STREAMING, SEED);
  }

  /** A layer of experts, whose ids and weights are given. */
  static GpuExpertTrial ofLayer(
      TernaryRuntime runtime,
      ExpertCopies weights,
      Activation activation,
      ExpertRounds rounds,
      int m) {
    GpuExpertTrial trial = new GpuExpertTrial(runtime, weights.shape(), m);
    return trial.prepared(() -> trial.prepareLayers(weights, activation, rounds));
  }

  /** A router with a matrix of bf16: softmax, the top of it, renormalised. */
  static GpuExpertTrial ofRouter(TernaryRuntime runtime, MoeShape shape, State memory, int m) {
    GpuExpertTrial trial = new GpuExpertTrial(runtime, shape, m);
    return trial.prepared(() -> trial.prepareRouters(memory));
  }

  /** Prepares, or closes what it has. */
  private GpuExpertTrial prepared(Runnable preparation) {
    try {
      preparation.run();
      return this;
    } catch (Throwable e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.add(0, resource);
    return resource;
  }

  private DeviceBuffer allocate(DataType type, long elements) {
    return keep(DeviceBuffer.allocate(runtime, type, elements));
  }

  private void prepareLayers(ExpertCopies weights, Activation activation, ExpertRounds rounds) {
    int h = shape.h();
    int slots = shape.slots();
    TernaryBuffer shares =
        TernaryBuffer.copyOf(DataType.F32, new RandomProblem(SEED).vector(m * slots, 1f / slots));
    DeviceBuffer sharesThere = keep(DeviceBuffer.copyOf(runtime, shares));
    List<Routing> chosen = new ArrayList<>();
    List<Routing> chosenThere = new ArrayList<>();
    for (int i = 0; i < rounds.calls(); i++) {
      TernaryBuffer ids = TernaryBuffer.copyOf(rounds.ids(i));
      chosen.add(Routing.of(ids, shares, slots));
      chosenThere.add(Routing.of(keep(DeviceBuffer.copyOf(runtime, ids)), sharesThere, slots));
    }
    List<MoeLayer> layers = new ArrayList<>();
    for (ExpertCopies.Copy copy : weights.copies()) {
      layers.add(
          keep(MoeLayer.builder(runtime, copy.w13(), copy.w2()).activation(activation).build()));
    }
    DeviceBuffer y = allocate(DataType.BF16, (long) m * h);
    DeviceBuffer workspace = allocate(DataType.I8, layers.get(0).workspaceBytes(m, slots));
    copies = layers.size();
    calls = copies * chosen.size();
    bytes = weights.expertBytes() * rounds.active();
    call =
        i ->
            layers
                .get(i / chosen.size() % copies)
                .apply(
                    x,
                    h,
                    null,
                    chosenThere.get(i % chosen.size()),
                    null,
                    null,
                    0,
                    y,
                    h,
                    m,
                    stream,
                    workspace);
    check =
        () -> {
          int rows = Math.min(m, MoeWorkload.CHECKED_ROWS);
          call.accept(0);
          TernaryBuffer first = GpuTrial.read(y, stream);
          for (int i = 0; i < rows; i++) {
            int row = MoeWorkload.checkedRow(i, rows, m);
            MoeWorkload.requireOracles(layers.get(0), shape, hostX, chosen.get(0), first, row);
          }
          call.accept(calls - 1);
          MoeWorkload.requireOracles(
              layers.get(copies - 1),
              shape,
              hostX,
              chosen.get(chosen.size() - 1),
              GpuTrial.read(y, stream),
              m - 1);
          return rows;
        };
  }

  private void prepareRouters(State memory) {
    int h = shape.h();
    int slots = shape.slots();
    long elements = (long) shape.experts() * h;
    TernaryBuffer matrix = new RandomProblem(SEED).activations(DataType.BF16, shape.experts(), h);
    copies = (int) ((spread(memory) + matrix.byteSize() - 1) / matrix.byteSize());
    calls = copies;
    bytes = matrix.byteSize();
    DeviceBuffer all = allocate(DataType.BF16, copies * elements);
    List<Router> routers = new ArrayList<>();
    for (int i = 0; i < copies; i++) {
      DeviceBuffer own = all.slice(i * elements, elements);
      own.copyFrom(matrix, stream);
      routers.add(Router.builder(shape.experts(), slots).matrix(own, h).renormalise(0).build());
    }
    DeviceBuffer ids = allocate(DataType.I32, (long) m * slots);
    DeviceBuffer shares = allocate(DataType.F32, (long) m * slots);
    Routing chosen = Routing.of(ids, shares, slots);
    DeviceBuffer workspace =
        allocate(DataType.I8, runtime.experts().routeWorkspaceBytes(m, shape.experts()));
    call =
        i -> runtime.experts().route(routers.get(i % copies), x, h, chosen, m, stream, workspace);
    check =
        () -> {
          Routing expected = Routing.allocate(m, slots, DataType.F32);
          Router router =
              Router.builder(shape.experts(), slots).matrix(matrix, h).renormalise(0).build();
          ExpertOracle.route(router, hostX, h, expected, m);
          for (int i : new int[] {0, copies - 1}) {
            call.accept(i);
            Workload.requireSame("an id", GpuTrial.read(ids, stream), expected.ids());
            Workload.requireSame("a weight", GpuTrial.read(shares, stream), expected.weights());
          }
          return m;
        };
  }

  /** Puts what was measured into a row; no times of the software GPU. */
  void measure(Map<String, Object> row, double seconds) {
    row.put("copies", copies);
    Map<String, Long> before = runtime.pathCounts();
    call.accept(0);
    row.put("path", Workload.pathsSince(before, runtime));
    row.put("rows_checked", check.getAsInt());
    GpuTrial.time(runtime, stream, GpuTrial.callsOf(calls), call, seconds, bytes, row);
  }

  @Override
  public void close() {
    GpuTrial.close(open);
  }
}
