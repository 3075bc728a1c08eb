package org.ternarykernels.tool;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/**
 * The process that {@link Baseline} starts: times oneDNN's dense product on a layer's data, in bf16 where it has kernels
 * for it (AVX-512 and newer), else in fp32, and checks the first row of what it gave.
 */
final class OneDnnProcess {
  /** bf16 outputs are off by their last rounding; a difference of this share of the row's RMS is wrong. */
  private static final double TOLERANCE = 0x1p-6;

  private OneDnnProcess() {}

  /** Arguments: N, K, seed, then numbers of rows. Prints a line for each number of rows. */
  public static void main(String[] arguments) {
    Shape shape = new Shape(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]), "layer");
    int[] rows = Arrays.stream(arguments).skip(3).mapToInt(Integer::parseInt).toArray();
    try {
      time(shape, Long.parseLong(arguments[2]), rows);
    } catch (LinkageError e) {
      System.out.println("does not load: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void time(Shape shape, long seed, int[] rows) {
    LayerData data = new LayerData(shape, seed, rows);
    DataType type = type();
    TernaryBuffer dense = dense(type, data);
    for (int i = 0; i < rows.length; i++) {
      System.out.println(Baseline.LINE + time(type, shape, rows[i], data, data.x[i].toArray(), dense));
    }
  }

  /** bf16 if a small product has a kernel. */
  private static DataType type() {
    TernaryBuffer matrix = TernaryBuffer.allocate(DataType.BF16, 256);
    try {
      new OneDnnMatmul(DataType.BF16, 16, 16, 16, matrix, matrix, matrix).close();
      return DataType.BF16;
    } catch (OneDnnMatmul.Unavailable e) {
      return DataType.F32;
    }
  }

  private static TernaryBuffer dense(DataType type, LayerData data) {
    TernaryBuffer dense = TernaryBuffer.allocate(type, data.w.length);
    ByteBuffer bytes = dense.asByteBuffer();
    float scale = data.alpha.values()[0];
    for (int i = 0; i < data.w.length; i++) {
      ScalarFormat.write(bytes, type, i, data.w[i] * scale);
    }
    return dense;
  }

  private static String time(DataType type, Shape shape, int m, LayerData data, float[] x, TernaryBuffer dense) {
    TernaryBuffer y = TernaryBuffer.allocate(type, (long) m * shape.n());
    try (OneDnnMatmul matmul =
        new OneDnnMatmul(type, m, shape.n(), shape.k(), TernaryBuffer.copyOf(type, x), dense, y)) {
      matmul.run();
      double error = firstRowError(shape, data, x, y.toArray());
      return error > TOLERANCE ? "oneDNN is wrong by " + error + " of the row's RMS"
          : "oneDNN " + (type == DataType.BF16 ? "bf16" : "fp32") + "\t" + Stopwatch.micros(matmul::run);
    } catch (OneDnnMatmul.Unavailable e) {
      return e.getMessage();
    }
  }

  private static double firstRowError(Shape shape, LayerData data, float[] x, float[] y) {
    DenseReference reference = new DenseReference(
        Arrays.copyOf(x, shape.k()), 1, data.w, shape.n(), shape.k(), data.alpha, new float[shape.n()]);
    ErrorStatistics errors = new ErrorStatistics();
    errors.addRow(y, reference.fp32, 0, shape.n(), column -> 1);
    return errors.maxRel;
  }
}
