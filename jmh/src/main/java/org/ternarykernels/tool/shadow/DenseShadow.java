package org.ternarykernels.tool.shadow;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.bench.Workload;
import org.ternarykernels.tool.problem.ScalarFormat;
import org.ternarykernels.tool.stack.ProductWatch;
import org.ternarykernels.tool.stack.StackProduct;
import org.ternarykernels.tool.verify.DenseReference;
import org.ternarykernels.tool.verify.ErrorBound;
import org.ternarykernels.tool.verify.NormedRows;

/**
 * Computes a sample of a stack's products again by a dense fp16 product, at most four rows of each.
 * A value differs where it is beyond the derived bound.
 */
final class DenseShadow implements ProductWatch {
  /** What {@code by} is in results. */
  static final String NAME = "dense";

  private static final int MOST_ROWS = 4;

  /** Rows of a product and what they must be. */
  private record Expected(int[] rows, DenseReference reference, ErrorBound bound) {}

  private record Key(StackProduct product, int rows) {}

  private final TernaryRuntime runtime;
  private final long every;
  private final double factor;
  private final Consumer<Divergence> sink;
  private final Map<Key, Expected> expected = new HashMap<>();
  private long calls;
  private long sampled;
  private long different;

  /**
   * @param every one call of so many is sampled, the first among them
   * @param factor of the derived bound
   * @param sink receives each call that differs
   */
  DenseShadow(TernaryRuntime runtime, long every, double factor, Consumer<Divergence> sink) {
    this.runtime = runtime;
    this.every = every;
    this.factor = factor;
    this.sink = sink;
  }

  long sampled() {
    return sampled;
  }

  /** Calls that differed. */
  long different() {
    return different;
  }

  @Override
  public void call(StackProduct product, int rows, Runnable call) {
    if (calls++ % every != 0) {
      call.run();
      return;
    }
    Map<String, Long> before = runtime.pathCounts();
    call.run();
    String path = Workload.pathsSince(before, runtime);
    sampled++;
    Divergence found = compare(product, rows, path);
    if (found.different() > 0) {
      different++;
      sink.accept(found);
    }
  }

  /** A step's rows are the same each time, and so is what comes out. */
  private Expected expected(StackProduct product, int rows) {
    return expected.computeIfAbsent(new Key(product, rows), key -> compute(product, rows));
  }

  private static Expected compute(StackProduct product, int rows) {
    int count = Math.min(rows, MOST_ROWS);
    int n = product.shape().n();
    int k = product.shape().k();
    int[] places = new int[count];
    float[] x = new float[count * k];
    for (int i = 0; i < count; i++) {
      places[i] = count == 1 ? rows - 1 : (int) ((long) i * (rows - 1) / (count - 1));
      for (int column = 0; column < k; column++) {
        long at = (long) places[i] * k + column;
        float value = product.x().get(at);
        x[i * k + column] =
            product.normed() ? ScalarFormat.roundToHalf(value + product.residual().get(at)) : value;
      }
    }
    if (product.normed()) {
      x = NormedRows.of(x, k, product.norm(), product.eps());
    }
    DenseReference reference =
        new DenseReference(x, count, product.codes(), n, k, product.alpha(), new float[n]);
    ErrorBound bound =
        new ErrorBound(
            reference, product.activation(), DataType.F16, DataType.F16, product.normed());
    return new Expected(places, reference, bound);
  }

  private Divergence compare(StackProduct product, int rows, String path) {
    Expected right = expected(product, rows);
    int n = product.shape().n();
    TernaryBuffer y = product.y();
    float[] reference = right.reference.fp16;
    long beyond = 0;
    double maxAbs = -1;
    double maxRel = 0;
    long worst = right.rows[0];
    for (int i = 0; i < right.rows.length; i++) {
      double rms = rms(reference, i * n, n);
      for (int column = 0; column < n; column++) {
        double wanted = reference[i * n + column];
        double got = y.get((long) right.rows[i] * n + column);
        if (!Double.isFinite(got) && !Double.isFinite(wanted)) {
          continue; // fp16 overflows in both
        }
        double error = Math.abs(got - wanted);
        beyond += error <= factor * right.bound.fp16(i, column) ? 0 : 1;
        double size = Double.isFinite(error) ? error : Double.POSITIVE_INFINITY;
        double scale = Math.max(Math.abs(wanted), rms);
        maxRel = Math.max(maxRel, scale == 0 ? size : size / scale);
        if (size > maxAbs) {
          maxAbs = size;
          worst = right.rows[i];
        }
      }
    }
    return new Divergence(
        product.normed() ? "rmsnorm_linear" : "linear",
        rows,
        n,
        product.shape().k(),
        product.activation().toString().toUpperCase(Locale.ROOT),
        product.layout().name().toLowerCase(Locale.ROOT),
        path,
        NAME,
        worst,
        Double.isFinite(maxAbs) ? maxAbs : null,
        Double.isFinite(maxRel) ? maxRel : null,
        beyond,
        (long) right.rows.length * n);
  }

  private static double rms(float[] values, int from, int count) {
    double squares = 0;
    for (int i = from; i < from + count; i++) {
      squares += (double) values[i] * values[i];
    }
    return Math.sqrt(squares / count);
  }
}
