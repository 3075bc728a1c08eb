package org.ternarykernels.tool;

import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/**
 * oneDNN's dense product: in bf16 where it has kernels for it (AVX-512 and newer), else in fp32, and the table says so.
 * Where its library does not load, the table says why.
 */
final class Baseline {
  /** bf16 sums of bf16 inputs are off by their last rounding; a difference of this share of the row's RMS is wrong. */
  private static final double TOLERANCE = 0x1p-6;

  /**
   * @param what ran, or why nothing did
   * @param micros null if nothing ran
   */
  record Timing(String what, Double micros) {}

  private DataType type = DataType.BF16;
  private String missing;

  /** Tries a small product, so that the type and what is missing are known before anything large is made. */
  Baseline() {
    try {
      probe(DataType.BF16);
    } catch (OneDnnMatmul.Unavailable noBfloat) {
      type = DataType.F32;
      try {
        probe(DataType.F32);
      } catch (OneDnnMatmul.Unavailable e) {
        missing = e.getMessage();
      }
    } catch (LinkageError e) {
      missing = "oneDNN does not load: " + e.getMessage();
    }
  }

  private static void probe(DataType type) throws OneDnnMatmul.Unavailable {
    TernaryBuffer matrix = TernaryBuffer.allocate(type, 256);
    new OneDnnMatmul(type, 16, 16, 16, matrix, matrix, TernaryBuffer.allocate(type, 256)).close();
  }

  /** What the matrices should be made of. */
  DataType type() {
    return type;
  }

  /** Why there is no baseline here; null if there is. */
  String missing() {
    return missing;
  }

  /**
   * Times {@code x * w^T} and checks what it gave.
   *
   * @param w {@code [n, k]} in {@link #type()}
   */
  Timing time(Shape shape, int m, float[] x, TernaryBuffer w, DenseReference reference) {
    if (missing != null) {
      return new Timing(missing, null);
    }
    TernaryBuffer y = TernaryBuffer.allocate(type, (long) m * shape.n());
    try (OneDnnMatmul matmul =
        new OneDnnMatmul(type, m, shape.n(), shape.k(), TernaryBuffer.copyOf(type, x), w, y)) {
      matmul.run();
      ErrorStatistics errors = new ErrorStatistics();
      float[] result = y.toArray();
      for (int row = 0; row < m; row++) {
        errors.addRow(result, reference.fp32, row * shape.n(), shape.n(), column -> 1);
      }
      if (errors.maxRel > TOLERANCE) {
        return new Timing("oneDNN is wrong by " + errors.maxRel, null);
      }
      return new Timing("oneDNN " + (type == DataType.BF16 ? "bf16" : "fp32"), Stopwatch.micros(matmul::run));
    } catch (OneDnnMatmul.Unavailable e) {
      return new Timing(e.getMessage(), null);
    }
  }
}
