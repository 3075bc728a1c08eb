package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.Oracle;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;

/**
 * A call that is timed: bf16 in, bf16 out, as a decode step or a prefill makes it. Each {@link
 * #run} goes on to the next copy of the weights. What is timed is checked first: {@link #check}.
 */
public abstract class Workload implements AutoCloseable {
  /** What is timed. */
  public enum Operation {
    /** Int8 activations, quantised in the call. */
    LINEAR,
    /** Activations as they are. */
    LINEAR_A16,
    /** Residual add, RMSNorm, and {@link #LINEAR}. */
    RMSNORM_LINEAR,
    /** The quantisation alone, of M rows of K; it has no weights. */
    QUANTISE_ACTIVATIONS,
    /** A layer of experts, which {@link MoeBench} and {@link GpuExpertBench} time. */
    MOE,
    /** The choice of experts by X and a router's matrix, which {@link GpuExpertBench} times. */
    ROUTE;

    /** Those of one matrix, which this class makes. */
    public static List<Operation> ofOneMatrix() {
      return List.of(LINEAR, LINEAR_A16, RMSNORM_LINEAR, QUANTISE_ACTIVATIONS);
    }

    /** The name in options and results. */
    public String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    /** What it does with X unless another is asked for. */
    Activation activation() {
      return this == LINEAR_A16 ? Activation.A16 : Activation.A8;
    }
  }

  /**
   * The oracle makes about 1e8 multiply-adds in a tenth of a second; beyond, it checks some of the
   * rows.
   */
  private static final long CHECKED_PRODUCTS = 100_000_000;

  private static final float EPS = 1e-5f;
  private static final long SEED = 1;

  /** What X is made of, for rivals in other processes. */
  static final long ROW_SEED = SEED + 1;

  final TernaryRuntime runtime;
  final int m;
  final int n;
  final int k;
  final TernaryBuffer x;

  private Workload(TernaryRuntime runtime, Shape shape, int m) {
    this.runtime = runtime;
    this.m = m;
    n = shape.n();
    k = shape.k();
    x = new RandomProblem(ROW_SEED).activations(DataType.BF16, m, k);
  }

  /**
   * @param weights must stay open; only its shape is used to quantise activations
   */
  public static Workload of(
      Operation operation, TernaryRuntime runtime, WeightCopies weights, int m) {
    return of(operation, operation.activation(), runtime, weights, m);
  }

  /**
   * @param activation what the layer does with X, of those that the operation has
   */
  public static Workload of(
      Operation operation,
      Activation activation,
      TernaryRuntime runtime,
      WeightCopies weights,
      int m) {
    return switch (operation) {
      case LINEAR, LINEAR_A16 -> new Linear(runtime, weights, m, activation);
      case RMSNORM_LINEAR -> new Normed(runtime, weights, m, activation);
      case QUANTISE_ACTIVATIONS -> new Quantise(runtime, weights.shape(), m, activation);
      case MOE, ROUTE -> throw new IllegalArgumentException(operation + " is of experts");
    };
  }

  /** One call. */
  public abstract void run();

  /**
   * Bytes that a call cannot do without: the packed weights, or what quantising reads and writes.
   */
  public abstract long bytes();

  /** Operations of a call, two a multiply-add of its product; 0 where it has none. */
  public double operations() {
    return 0;
  }

  /**
   * Computes row {@code row} by the oracle into the spare outputs and throws if what run() wrote
   * differs.
   */
  abstract void checkRow(int row);

  /**
   * Runs every copy of the weights once on the first row of X; throws if one gives other bits than
   * the first.
   */
  void checkCopies() {}

  /**
   * Runs and compares bits with the oracle's: all rows of Y, or so many as it manages in about a
   * tenth of a second.
   *
   * @return rows that were checked
   * @throws IllegalStateException if a bit differs
   */
  public int check() {
    run();
    int rows = (int) Math.max(1, Math.min(m, CHECKED_PRODUCTS / ((long) n * k)));
    for (int i = 0; i < rows; i++) {
      checkRow(rows == 1 ? m - 1 : (int) ((long) i * (m - 1) / (rows - 1)));
    }
    checkCopies();
    return rows;
  }

  /** The paths that a call takes, joined by +. */
  public String path() {
    Map<String, Long> before = runtime.pathCounts();
    run();
    return pathsSince(before, runtime);
  }

  /** The paths whose counts have changed, in alphabetical order, joined by +. */
  public static String pathsSince(Map<String, Long> before, TernaryRuntime runtime) {
    Map<String, Long> after = runtime.pathCounts();
    TreeSet<String> paths = new TreeSet<>(after.keySet());
    paths.removeIf(path -> after.get(path).equals(before.get(path)));
    return String.join("+", paths);
  }

  /** Scales are positive. */
  static double largest(float[] values) {
    double largest = 0;
    for (float value : values) {
      largest = Math.max(largest, value);
    }
    return largest;
  }

  static void requireSame(String what, TernaryBuffer got, TernaryBuffer expected) {
    if (!got.asByteBuffer().equals(expected.asByteBuffer())) {
      throw new IllegalStateException(what + " differs from the oracle's");
    }
  }

  @Override
  public void close() {}

  /** A layer for each copy of the weights. */
  private abstract static class Layers<L extends AutoCloseable> extends Workload {
    final WeightCopies weights;
    final TernaryBuffer y;
    final TernaryBuffer row;
    final List<L> layers = new ArrayList<>();
    private int next;

    Layers(TernaryRuntime runtime, WeightCopies weights, int m) {
      super(runtime, weights.shape(), m);
      this.weights = weights;
      y = TernaryBuffer.allocate(DataType.BF16, (long) m * n);
      row = TernaryBuffer.allocate(DataType.BF16, n);
    }

    abstract void apply(L layer, TernaryBuffer x, TernaryBuffer y, int m);

    @Override
    public void run() {
      apply(layers.get(next), x, y, m);
      next = next + 1 == layers.size() ? 0 : next + 1;
    }

    @Override
    void checkCopies() {
      TernaryBuffer expected = TernaryBuffer.allocate(DataType.BF16, n);
      apply(layers.get(0), x.slice(0, k), expected, 1);
      for (L layer : layers) {
        apply(layer, x.slice(0, k), row, 1);
        requireSame("a copy's product", row, expected);
      }
    }

    @Override
    public long bytes() {
      return weights.bytes();
    }

    @Override
    public double operations() {
      return 2.0 * m * n * k;
    }

    @Override
    public void close() {
      for (L layer : layers) {
        try {
          layer.close();
        } catch (Exception e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  private static final class Linear extends Layers<TernaryLinear> {
    private final Activation activation;

    Linear(TernaryRuntime runtime, WeightCopies weights, int m, Activation activation) {
      super(runtime, weights, m);
      this.activation = activation;
      for (TernaryWeights copy : weights.copies()) {
        layers.add(TernaryLinear.builder(runtime, copy).activation(activation).build());
      }
    }

    @Override
    void apply(TernaryLinear layer, TernaryBuffer x, TernaryBuffer y, int m) {
      layer.apply(x, y, m);
    }

    @Override
    void checkRow(int index) {
      Oracle.linear(
          weights.copies().get(0),
          activation,
          null,
          x.slice((long) index * k, k),
          k,
          null,
          row,
          n,
          1);
      if (activation.isA8()) {
        requireSame("row " + index, y.slice((long) index * n, n), row);
      } else {
        requireNear(index, y.slice((long) index * n, n).toArray(), row.toArray());
      }
    }

    /**
     * A16 sums in another order: within {@code K * 2^-23} of the sum of sizes, and the roundings to
     * bf16.
     */
    private void requireNear(int index, float[] got, float[] expected) {
      double sizes = 0;
      for (float value : x.slice((long) index * k, k).toArray()) {
        sizes += Math.abs(value);
      }
      double alpha = largest(weights.copies().get(0).alpha().values());
      for (int i = 0; i < n; i++) {
        double bound = k * 0x1p-23 * sizes * alpha + Math.abs(expected[i]) * 0x1p-7;
        if (!(Math.abs(got[i] - (double) expected[i]) <= bound)) {
          throw new IllegalStateException(
              "row "
                  + index
                  + ", column "
                  + i
                  + " is "
                  + got[i]
                  + ", the oracle has "
                  + expected[i]);
        }
      }
    }
  }

  private static final class Normed extends Layers<RmsNormLinear> {
    private final Activation activation;
    private final float[] norm;
    private final TernaryBuffer residual;
    private final TernaryBuffer residualOut;
    private final TernaryBuffer residualRow;

    Normed(TernaryRuntime runtime, WeightCopies weights, int m, Activation activation) {
      super(runtime, weights, m);
      this.activation = activation;
      RandomProblem random = new RandomProblem(SEED + 2);
      residual = random.activations(DataType.BF16, m, k);
      residualOut = TernaryBuffer.allocate(DataType.BF16, residual.elements());
      residualRow = TernaryBuffer.allocate(DataType.BF16, k);
      norm = random.vector(k, 1);
      for (TernaryWeights copy : weights.copies()) {
        layers.add(
            RmsNormLinear.builder(runtime, copy).norm(norm, EPS).activation(activation).build());
      }
    }

    @Override
    void apply(RmsNormLinear layer, TernaryBuffer x, TernaryBuffer y, int m) {
      if (m == this.m) {
        layer.apply(x, residual, residualOut, y, m);
      } else {
        layer.apply(x, residual.slice(0, (long) m * k), residualRow, y, m);
      }
    }

    @Override
    void checkRow(int index) {
      long from = (long) index * k;
      Oracle.rmsNormLinear(
          weights.copies().get(0),
          activation,
          norm,
          EPS,
          null,
          x.slice(from, k),
          k,
          null,
          residual.slice(from, k),
          residualRow,
          k,
          row,
          n,
          1);
      requireSame("row " + index, y.slice((long) index * n, n), row);
      requireSame("row " + index + " of residual_out", residualOut.slice(from, k), residualRow);
    }
  }

  private static final class Quantise extends Workload {
    private final Activation activation;
    private final int scales;
    private final TernaryBuffer q;
    private final TernaryBuffer s;
    private final TernaryBuffer row;
    private final TernaryBuffer scale;

    Quantise(TernaryRuntime runtime, Shape shape, int m, Activation activation) {
      super(runtime, shape, m);
      this.activation = activation;
      scales = (int) activation.scales(k);
      q = TernaryBuffer.allocate(DataType.I8, (long) m * k);
      s = TernaryBuffer.allocate(DataType.F32, (long) m * scales);
      row = TernaryBuffer.allocate(DataType.I8, k);
      scale = TernaryBuffer.allocate(DataType.F32, scales);
    }

    @Override
    public void run() {
      runtime.quantise(x, null, 0, null, null, activation, q, s, m, k);
    }

    @Override
    public long bytes() {
      return x.byteSize() + q.byteSize();
    }

    @Override
    void checkRow(int index) {
      long from = (long) index * k;
      Oracle.quantise(x.slice(from, k), null, 0, null, null, activation, row, scale, 1, k);
      requireSame("row " + index, q.slice(from, k), row);
      requireSame("the scales of row " + index, s.slice((long) index * scales, scales), scale);
    }
  }
}
