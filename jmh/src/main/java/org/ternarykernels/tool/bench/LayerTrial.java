package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.problem.LayerData;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.Rival;
import org.ternarykernels.tool.verify.DenseReference;
import org.ternarykernels.tool.verify.ErrorBound;
import org.ternarykernels.tool.verify.ErrorStatistics;

/**
 * One layer of a block, packed, timed at several M, checked, and compared with oneDNN on the same
 * data.
 */
public final class LayerTrial implements AutoCloseable {
  /**
   * What one product cost.
   *
   * @param packedBytes of the weights that a call reads
   * @param worstError relative to max(|ref|, RMS of its row), against fp32
   * @param withinBound whether every output was within {@link ErrorBound}
   * @param baseline what oneDNN ran, or why it did not
   * @param baselineMicros null if oneDNN did not run
   * @param ratio oneDNN's time over ours, the median of pairs measured in turns; null if oneDNN did
   *     not run
   */
  public record Result(
      Shape shape,
      int m,
      String path,
      double micros,
      long packedBytes,
      double worstError,
      boolean withinBound,
      String baseline,
      Double baselineMicros,
      Double ratio) {

    public double gigabytesPerSecond() {
      return packedBytes / micros / 1e3;
    }

    public double gigaOperations() {
      return 2.0 * m * shape.n() * shape.k() / micros / 1e3;
    }

    public Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("shape", shape.name());
      json.put("m", m);
      json.put("n", shape.n());
      json.put("k", shape.k());
      json.put("path", path);
      json.put("micros", micros);
      json.put("gb_per_s", gigabytesPerSecond());
      json.put("gops", gigaOperations());
      json.put("baseline", baseline);
      json.put("baseline_micros", baselineMicros);
      json.put("ratio", ratio);
      json.put("max_rel_fp32", worstError);
      json.put("within_bound", withinBound);
      return json;
    }
  }

  private static final long SLICE_NANOS = 5_000_000;
  private static final long BUDGET_NANOS = 400_000_000;

  private final TernaryRuntime runtime;
  private final int threads;
  private final Shape shape;
  private final int[] rows;
  private final LayerData data;
  private final Baseline baseline;
  private final long seed;
  private final TernaryWeights weights;
  private final TernaryLinear layer;

  /**
   * @param threads of the runtime
   * @param baseline is asked for a product of the same weights
   */
  public LayerTrial(
      TernaryRuntime runtime, int threads, Shape shape, long seed, Baseline baseline, int... rows) {
    this.runtime = runtime;
    this.threads = threads;
    this.shape = shape;
    this.rows = rows;
    this.baseline = baseline;
    this.seed = seed;
    data = new LayerData(shape, seed, rows);
    weights = TernaryWeights.pack(data.w, shape.n(), shape.k(), data.alpha);
    layer = TernaryLinear.builder(runtime, weights).activation(Activation.A8).build();
  }

  /** Checks and times the product with the {@code index}-th number of rows. */
  public Result run(int index) {
    int m = rows[index];
    TernaryBuffer x = data.x[index];
    TernaryBuffer y = TernaryBuffer.allocate(DataType.BF16, (long) m * shape.n());
    Map<String, Long> before = runtime.pathCounts();
    layer.apply(x, y, m);
    String path = Workload.pathsSince(before, runtime);
    ErrorStatistics errors =
        compare(
            y.toArray(),
            new DenseReference(
                x.toArray(), m, data.w, shape.n(), shape.k(), data.alpha, new float[shape.n()]));
    Rival rival = baseline.rivals(shape, seed, m, 0).best();
    List<Interleaved.Contender> contenders =
        new ArrayList<>(
            List.of(Interleaved.on(threads, Interleaved.of(() -> layer.apply(x, y, m)))));
    if (rival.present()) {
      contenders.add(rival.contender());
    }
    double[][] nanos = Interleaved.run(contenders, SLICE_NANOS, BUDGET_NANOS);
    double micros = MedianInterval.of(nanos[0]).median() / 1e3;
    boolean compared = rival.present() && rival.failure().get() == null;
    return new Result(
        shape,
        m,
        path,
        micros,
        packedBytes(),
        errors.maxRel,
        errors.maxOfBound <= 1,
        compared
            ? "oneDNN " + rival.what()
            : rival.present() ? rival.failure().get() : rival.reason(),
        compared ? MedianInterval.of(nanos[1]).median() / 1e3 : null,
        compared ? MedianInterval.ofRatios(nanos[1], nanos[0]).median() : null);
  }

  /** Two bits a weight, without the scale. */
  private long packedBytes() {
    return (long) shape.n() * shape.k() / 4;
  }

  private ErrorStatistics compare(float[] y, DenseReference reference) {
    ErrorBound bound =
        new ErrorBound(reference, Activation.A8, DataType.BF16, DataType.BF16, false);
    ErrorStatistics errors = new ErrorStatistics();
    for (int row = 0; row < reference.m; row++) {
      int r = row;
      errors.addRow(
          y, reference.fp32, row * reference.n, reference.n, column -> bound.fp32(r, column));
    }
    return errors;
  }

  @Override
  public void close() {
    layer.close();
    weights.close();
  }
}
