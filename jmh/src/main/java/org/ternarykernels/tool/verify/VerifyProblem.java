package org.ternarykernels.tool.verify;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Rotation;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.ScalarFormat;
import org.ternarykernels.tool.problem.Shape;

/**
 * One product to verify: its operands, made once, and its dense reference, computed once for all
 * kernels.
 */
final class VerifyProblem {
  private static final float EPS = 1e-5f;

  final Shape shape;
  final int m;
  final DataType input;
  final DataType output;
  final boolean normed;
  final Alpha alpha;
  final DenseReference reference;

  /** Columns of X that share a scale, where X is given as int8; 0: one a row. */
  final int block;

  private final RotatedRows rotated;
  private final Rotation rotation;
  private final float[] bias;
  private final TernaryBuffer x;
  private final TernaryBuffer xScale;
  private final TernaryBuffer residual;
  private final float[] sum;
  private final float[] norm;

  /**
   * @param normed whether a residual and an RMSNorm come before the product
   * @param block of the scales of int8 X; 0 for one a row
   * @param rotation columns that are rotated together; 0 for none
   */
  VerifyProblem(
      Shape shape,
      byte[] w,
      Alpha alpha,
      int m,
      DataType input,
      boolean normed,
      int block,
      int rotation,
      RandomProblem random) {
    this.shape = shape;
    this.m = m;
    this.input = input;
    this.output =
        switch (input) {
          case I8 -> DataType.F32;
          case F8_E4M3 -> DataType.BF16;
          default -> input;
        };
    this.normed = normed;
    this.block = block;
    this.alpha = alpha;
    bias = random.vector(shape.n(), 0.5f);
    x = random.activations(input, m, shape.k());
    xScale =
        input == DataType.I8
            ? TernaryBuffer.copyOf(DataType.F32, random.vector(m * scales(), 0.02f))
            : null;
    residual = normed ? random.activations(output, m, shape.k()) : null;
    norm = normed ? random.vector(shape.k(), 1) : null;
    sum = normed ? add() : null;
    float[] values = normed ? NormedRows.of(sum, shape.k(), norm, EPS) : values();
    if (rotation > 0) {
      float[] signs = random.signs(shape.k());
      this.rotation = Rotation.of(rotation, signs);
      rotated = RotatedRows.of(values, shape.k(), rotation, signs);
      values = rotated.values();
    } else {
      this.rotation = null;
      rotated = null;
    }
    reference = new DenseReference(values, m, w, shape.n(), shape.k(), alpha, bias);
  }

  /** Scales of a row of int8 X. */
  private int scales() {
    return block == 0 ? 1 : (shape.k() + block - 1) / block;
  }

  /** X as fp32, times its scale where it has one. */
  private float[] values() {
    float[] values = x.toArray();
    for (int i = 0; xScale != null && i < values.length; i++) {
      int of = block == 0 ? 0 : i % shape.k() / block;
      values[i] *= xScale.get((long) i / shape.k() * scales() + of);
    }
    return values;
  }

  /** x + residual, rounded once to the residual's type: these bits must come back. */
  private float[] add() {
    TernaryBuffer rounded = TernaryBuffer.allocate(output, x.elements());
    ByteBuffer bytes = rounded.asByteBuffer();
    for (int i = 0; i < x.elements(); i++) {
      ScalarFormat.write(bytes, output, i, x.get(i) + residual.get(i));
    }
    return rounded.toArray();
  }

  /** Runs the product once on a runtime and judges it. */
  VerifyResult run(
      TernaryRuntime runtime, TernaryWeights weights, Activation activation, VerifyLimits limits) {
    TernaryBuffer y = TernaryBuffer.allocate(output, (long) m * shape.n());
    runtime.resetCounters();
    boolean residualRight = true;
    if (normed) {
      TernaryBuffer residualOut = TernaryBuffer.allocate(output, x.elements());
      try (RmsNormLinear layer =
          RmsNormLinear.builder(runtime, weights)
              .norm(norm, EPS)
              .bias(bias)
              .activation(activation)
              .rotation(rotation)
              .expectedRows(m)
              .build()) {
        layer.apply(x, residual, residualOut, y, m);
      }
      residualRight = Arrays.equals(residualOut.toArray(), sum);
    } else {
      try (TernaryLinear layer =
          TernaryLinear.builder(runtime, weights)
              .bias(bias)
              .activation(activation)
              .rotation(rotation)
              .expectedRows(m)
              .build()) {
        layer.apply(x, shape.k(), xScale, y, shape.n(), m);
      }
    }
    String path = String.join("+", runtime.pathCounts().keySet());
    return judge(path, y.toArray(), activation, residualRight, limits);
  }

  private VerifyResult judge(
      String path, float[] y, Activation activation, boolean residualRight, VerifyLimits limits) {
    ErrorBound bound = new ErrorBound(reference, activation, input, output, normed, rotated);
    ErrorStatistics fp32 = new ErrorStatistics();
    ErrorStatistics fp16 = new ErrorStatistics();
    int n = shape.n();
    for (int row = 0; row < m; row++) {
      int r = row;
      fp32.addRow(y, reference.fp32, row * n, n, column -> bound.fp32(r, column));
      fp16.addRow(y, reference.fp16, row * n, n, column -> bound.fp16(r, column));
    }
    return new VerifyResult(
        path,
        describe(activation),
        fp32,
        fp16,
        residualRight,
        residualRight && limits.accept(fp32) && limits.accept(fp16));
  }

  private Map<String, Object> describe(Activation activation) {
    Map<String, Object> problem = new LinkedHashMap<>();
    problem.put("op", normed ? "rmsnorm_linear" : "linear");
    problem.put("shape", shape.name());
    problem.put("m", m);
    problem.put("n", shape.n());
    problem.put("k", shape.k());
    problem.put("x", input.name());
    problem.put("y", output.name());
    problem.put("alpha", alpha.kind().name().toLowerCase(Locale.ROOT));
    problem.put("activation", activation.toString());
    problem.put("rotation", rotation == null ? 0 : rotation.block());
    return problem;
  }
}
