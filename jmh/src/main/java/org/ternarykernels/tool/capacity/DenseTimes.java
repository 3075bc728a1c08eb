package org.ternarykernels.tool.capacity;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.Baseline;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.rival.Rival;

/** How long oneDNN takes for a step's products, bf16 where it has kernels for that, else f32. */
final class DenseTimes {
  private static final long SLICE_NANOS = 10_000_000;
  private static final long SEED = 1;
  private static final String OUTPUT = "lm_head";

  /** Bytes of a bf16 weight. */
  private static final int WEIGHT_BYTES = 2;

  private final List<Shape> shapes;
  private final int layers;

  /**
   * @param shapes of a block, and of the output layer
   * @param layers blocks
   */
  DenseTimes(List<Shape> shapes, int layers) {
    this.shapes = shapes;
    this.layers = layers;
  }

  private int count(Shape shape) {
    return shape.name().equals(OUTPUT) ? 1 : layers;
  }

  /** Bytes of all weights in bf16. */
  long weightBytes() {
    long bytes = 0;
    for (Shape shape : shapes) {
      bytes += (long) WEIGHT_BYTES * shape.n() * shape.k() * count(shape);
    }
    return bytes;
  }

  /**
   * Measures steps of 1, 2, 4 ... rows, and of as many as there may be.
   *
   * @return nanoseconds by rows; empty if there is no oneDNN here
   */
  Map<Integer, Double> measure(int threads, int mostRows) {
    Map<Integer, Double> nanos = new TreeMap<>();
    try (Baseline baseline = new Baseline(threads, false)) {
      for (int rows = 1; rows < mostRows; rows *= 2) {
        nanos.put(rows, 0.0);
      }
      nanos.put(mostRows, 0.0);
      for (Shape shape : shapes) {
        long bytes = Math.min(WeightCopies.streamingBytes(), weightBytes());
        for (Map.Entry<Integer, Double> entry : nanos.entrySet()) {
          Rival rival = baseline.rivals(shape, SEED, entry.getKey(), bytes).best();
          if (!rival.present()) {
            return Map.of();
          }
          double call = Interleaved.estimate(rival.contender(), SLICE_NANOS);
          entry.setValue(entry.getValue() + count(shape) * call);
        }
      }
    }
    return nanos.values().stream().allMatch(Double::isFinite) ? nanos : Map.of();
  }
}
