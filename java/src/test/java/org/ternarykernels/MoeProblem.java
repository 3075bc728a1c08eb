package org.ternarykernels;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** A random layer of experts and its operands, of one seed. */
final class MoeProblem implements AutoCloseable {
  private static final DataType[] FLOATS = {DataType.F32, DataType.F16, DataType.BF16};

  final int m;
  final int slots;
  final int experts;
  final int h;
  final int i;
  final boolean combines;
  final DataType yType;
  final MoeLayer.Builder spec;
  final MoeLayer layer;
  private final ExpertWeights w13;
  private final ExpertWeights w2;
  final TernaryBuffer x;
  final TernaryBuffer xScale;
  final Routing routing;
  final TernaryBuffer residual;

  MoeProblem(long seed, TernaryRuntime runtime) {
    this(seed, runtime, null, true, 0);
  }

  /** A problem of so many rows. */
  MoeProblem(long seed, TernaryRuntime runtime, int rows) {
    this(seed, runtime, null, true, rows);
  }

  MoeProblem(long seed, TernaryRuntime runtime, GateFunction only, boolean own) {
    this(seed, runtime, only, own, 0);
  }

  /**
   * A problem that may be narrowed.
   *
   * @param function of the gate; null: any
   * @param own whether gate and up may have scales of their own per input feature, and X any way of
   *     being used
   * @param rows of X; 0: any
   */
  private MoeProblem(long seed, TernaryRuntime runtime, GateFunction only, boolean own, int rows) {
    Random random = new Random(seed);
    int anyRows = new int[] {1, 1, 2, 3, 5, 17}[random.nextInt(6)];
    m = rows == 0 ? anyRows : rows;
    slots = 1 + random.nextInt(9);
    experts = new int[] {1, 2, 5, 16}[random.nextInt(4)];
    Rotation rotation13 = null;
    Rotation rotation2 = null;
    int columns = 1 + random.nextInt(120);
    int between = 1 + random.nextInt(90);
    if (random.nextInt(3) == 0) {
      columns = 64 * (1 + random.nextInt(3));
      between = 32 * (1 + random.nextInt(3));
      rotation13 = Rotation.of(64, signs(random, columns));
      rotation2 = random.nextBoolean() ? Rotation.of(32) : null;
    }
    h = columns;
    i = between;
    Activation activation =
        List.of(Activation.A8, Activation.A8, Activation.a8(32), Activation.a8(64), Activation.A16)
            .get(random.nextInt(own ? 5 : 4));
    Layout layout = Layout.values()[random.nextInt(4)];
    w13 = weights(random, 2 * i, h, layout, own);
    w2 = weights(random, h, i, layout, false);
    combines = random.nextInt(5) != 0;
    spec =
        MoeLayer.builder(runtime, w13, w2)
            .gateOrder(GateOrder.values()[random.nextInt(3)])
            .gateFunction(GateFunction.SILU)
            .roundGateUp(any(random))
            .roundActivation(any(random))
            .roundProduct(any(random))
            .roundExpert(any(random))
            .combine(combines)
            .scaling(combines && random.nextBoolean() ? 2.5f : 1)
            .activation(activation)
            .rotation13(rotation13)
            .rotation2(rotation2);
    GateFunction any = GateFunction.values()[random.nextInt(4)];
    GateFunction function = only == null ? any : only;
    if (function == GateFunction.SILU_CLAMP) {
      spec.siluClamp(0.5f);
    } else {
      spec.gateFunction(function);
    }
    int use = random.nextInt(4);
    spec.weightOnInput(use == 1).weightBeforeRounding(use == 2);
    layer = spec.build();
    x = Problems.activations(random, DataType.values()[random.nextInt(4)], m * h);
    xScale =
        x.dataType() == DataType.F8_E4M3
            ? TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, m))
            : null;
    if (x.dataType() == DataType.F32 && random.nextInt(3) == 0) {
      x.put(random.nextInt(m * h), Float.NaN);
    }
    int[] ids = new int[m * slots];
    boolean one = random.nextInt(4) == 0; // all rows on one expert
    for (int slot = 0; slot < ids.length; slot++) {
      ids[slot] = one ? experts - 1 : random.nextInt(experts + 1) - 1;
    }
    DataType weightsType = random.nextBoolean() ? DataType.F32 : DataType.BF16;
    routing =
        Routing.of(
            TernaryBuffer.copyOf(ids), Problems.activations(random, weightsType, m * slots), slots);
    yType = any(random);
    residual =
        combines && random.nextBoolean() ? Problems.activations(random, any(random), m * h) : null;
  }

  private static DataType any(Random random) {
    return FLOATS[random.nextInt(3)];
  }

  private static float[] signs(Random random, int count) {
    float[] signs = new float[count];
    for (int at = 0; at < count; at++) {
      signs[at] = random.nextBoolean() ? 1 : -1;
    }
    return signs;
  }

  private ExpertWeights weights(Random random, int n, int k, Layout layout, boolean gateAndUp) {
    ExpertAlpha alpha =
        switch (random.nextInt(gateAndUp ? 5 : 4)) {
          case 0 -> ExpertAlpha.expert(Problems.floats(random, experts));
          case 1 -> ExpertAlpha.row(Problems.floats(random, experts * n));
          case 2 -> ExpertAlpha.column(Problems.floats(random, experts * k));
          case 3 -> ExpertAlpha.group(64, Problems.floats(random, experts * n * ((k + 63) / 64)));
          default -> ExpertAlpha.columnOfGateAndUp(Problems.floats(random, experts * 2 * k));
        };
    byte[] w = Problems.ternary(random, experts * n * k);
    try (TernaryBuffer dense = TernaryBuffer.allocate(DataType.I8, w.length)) {
      dense.asByteBuffer().put(w);
      return ExpertWeights.pack(dense, experts, n, k, alpha, layout);
    }
  }

  /** Row m of X as fp32. */
  float[] row(int row) {
    float[] values = new float[h];
    x.get((long) row * h, values);
    for (int k = 0; k < h && xScale != null; k++) {
      values[k] *= xScale.get(row);
    }
    return values;
  }

  int[] ids(int row) {
    int[] values = new int[slots];
    routing.ids().getInts((long) row * slots, values);
    return values;
  }

  float[] weights(int row) {
    float[] values = new float[slots];
    routing.weights().get((long) row * slots, values);
    return values;
  }

  /** Of a row; empty without one. */
  float[] residual(int row) {
    float[] values = new float[residual == null ? 0 : h];
    if (residual != null) {
      residual.get((long) row * h, values);
    }
    return values;
  }

  DataType residualType() {
    return residual.dataType();
  }

  long residualBytes() {
    return residual == null ? 0 : residual.byteSize();
  }

  long columnsOfY() {
    return combines ? h : (long) slots * h;
  }

  /** Y, and what became of the residual. */
  record Result(TernaryBuffer y, TernaryBuffer residualOut) {
    List<int[]> bits() {
      int[] sums = residualOut == null ? new int[0] : Problems.bits(residualOut);
      return List.of(Problems.bits(y), sums);
    }

    boolean isSame(Result other) {
      return Arrays.equals(bits().get(0), other.bits().get(0))
          && Arrays.equals(bits().get(1), other.bits().get(1));
    }
  }

  /** Y of some of the rows, by the layer or by the oracle. */
  Result run(boolean onOracle, int from, int rows) {
    TernaryBuffer y = TernaryBuffer.allocate(yType, rows * columnsOfY());
    TernaryBuffer sum =
        residual == null ? null : TernaryBuffer.allocate(residual.dataType(), (long) rows * h);
    TernaryBuffer old = residual == null ? null : residual.slice((long) from * h, (long) rows * h);
    TernaryBuffer some = x.slice((long) from * h, (long) rows * h);
    TernaryBuffer scale = xScale == null ? null : xScale.slice(from, rows);
    long first = (long) from * slots;
    long count = (long) rows * slots;
    Routing chosen =
        Routing.of(routing.ids().slice(first, count), routing.weights().slice(first, count), slots);
    if (onOracle) {
      ExpertOracle.moe(layer, some, h, scale, chosen, old, sum, h, y, columnsOfY(), rows);
    } else {
      layer.apply(some, h, scale, chosen, old, sum, h, y, columnsOfY(), rows);
    }
    return new Result(y, sum);
  }

  @Override
  public void close() {
    layer.close();
    w13.close();
    w2.close();
  }

  @Override
  public String toString() {
    return "M "
        + Arrays.asList(m, slots, w13, w2, spec.gateOrder, spec.gateFunction, spec.activation)
        + Arrays.asList(spec.roundGateUp, spec.roundActivation, spec.roundProduct)
        + Arrays.asList(spec.roundExpert, spec.weightOnInput, spec.weightBeforeRounding)
        + Arrays.asList(combines, spec.rotation13, spec.rotation2, x, yType, routing.weights());
  }
}
