package org.ternarykernels;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.StackReserve;

/**
 * The slow reference: plain C++ that follows the numerics contract line by line, on the calling
 * thread. With activations A8 every kernel must give exactly these bits (NaNs compared as a class).
 * For tests and verification.
 */
public final class Oracle {
  private Oracle() {}

  /**
   * What {@link TernaryLinear} must give. Parameters and errors as for {@link
   * TernaryLinear#apply(TernaryBuffer, long, TernaryBuffer, TernaryBuffer, long, long)}.
   *
   * @param weights of the layer
   * @param activation of the layer
   * @param bias N values or null
   * @param x as there
   * @param ldx as there
   * @param xScale as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   */
  public static void linear(
      TernaryWeights weights,
      Activation activation,
      float @Nullable [] bias,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      TernaryBuffer y,
      long ldy,
      long m) {
    Checks.notNull("weights", weights);
    Checks.notNull("activation", activation);
    apply(weights, activation, null, 0, bias, x, ldx, xScale, null, null, 0, y, ldy, m);
  }

  /**
   * What {@link RmsNormLinear} must give. Parameters and errors as for {@link
   * RmsNormLinear#apply(TernaryBuffer, long, TernaryBuffer, TernaryBuffer, TernaryBuffer, long,
   * TernaryBuffer, long, long)}.
   *
   * @param weights of the layer
   * @param activation of the layer
   * @param norm K values
   * @param eps of the norm
   * @param bias N values or null
   * @param x as there
   * @param ldx as there
   * @param xScale as there
   * @param residual as there
   * @param residualOut as there
   * @param ldResidual as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   */
  public static void rmsNormLinear(
      TernaryWeights weights,
      Activation activation,
      float[] norm,
      float eps,
      float @Nullable [] bias,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    Checks.notNull("weights", weights);
    Checks.notNull("activation", activation);
    Checks.notNull("norm", norm);
    apply(
        weights,
        activation,
        norm,
        eps,
        bias,
        x,
        ldx,
        xScale,
        residual,
        residualOut,
        ldResidual,
        y,
        ldy,
        m);
  }

  private static void apply(
      TernaryWeights weights,
      Activation activation,
      float @Nullable [] norm,
      float eps,
      float @Nullable [] bias,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    LayerShape shape = LayerShape.of(weights, activation, norm != null);
    shape.check(x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
    StackReserve.forCreation();
    begin(weights, x, xScale, residual, residualOut, y);
    try {
      checkLength("bias", bias, shape.n(), "N");
      checkLength("norm", norm, shape.k(), "K");
      long layer = NativeCall.createLayer(weights, activation, bias, norm, eps, 0);
      try {
        NativeCall.apply(
            NativeCall.ORACLE, layer, x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
      } finally {
        Ternary.ternary_layer_destroy(layer);
      }
    } finally {
      end(weights, x, xScale, residual, residualOut, y);
    }
  }

  private static void begin(
      TernaryWeights weights,
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y) {
    weights.handle().acquire();
    try {
      Operands.acquire(x, xScale, residual, residualOut, y);
    } catch (Throwable e) {
      weights.handle().release();
      throw e;
    }
  }

  private static void end(
      TernaryWeights weights,
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y) {
    Operands.release(x, xScale, residual, residualOut, y);
    weights.handle().release();
    Reference.reachabilityFence(weights);
  }

  /**
   * What {@link TernaryRuntime#quantise} must give. Parameters and errors as there.
   *
   * @param x as there
   * @param xScale as there
   * @param alphaColumn as there
   * @param q as there
   * @param s as there
   * @param m as there
   * @param k as there
   */
  public static void quantise(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer alphaColumn,
      TernaryBuffer q,
      TernaryBuffer s,
      long m,
      long k) {
    checkQuantise(x, xScale, alphaColumn, q, s, m, k);
    StackReserve.forCall();
    Operands.acquire(x, xScale, alphaColumn, q, s);
    try {
      NativeCall.quantise(NativeCall.ORACLE, x, xScale, alphaColumn, q, s, m, k);
    } finally {
      Operands.release(x, xScale, alphaColumn, q, s);
    }
  }

  static void checkQuantise(
      Operand x,
      @Nullable Operand xScale,
      @Nullable Operand alphaColumn,
      Operand q,
      Operand s,
      long m,
      long k) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.size("K", k, Checks.MAX_COLUMNS);
    long xBytes = Operands.input("x", x, k, m, k);
    if (x.dataType() == DataType.I8) {
      throw new IllegalArgumentException(
          "x is of type I8, must be F32, F16, BF16 or F8_E4M3 to be quantised");
    }
    long scaleBytes = Operands.scale(xScale, x.dataType(), m);
    long alphaBytes = 0;
    if (alphaColumn != null) {
      Operands.typed("alphaColumn", alphaColumn, DataType.F32);
      alphaBytes = Operands.input("alphaColumn", alphaColumn, k, 1, k);
    }
    long qBytes = Operands.output("q", q, k, m, k);
    Operands.typed("q", q, DataType.I8);
    long sBytes = Operands.output("s", s, 1, m, 1);
    Operands.typed("s", s, DataType.F32);
    Operands.disjoint("q", q, qBytes, "s", s, sBytes);
    Operands.disjoint("q", q, qBytes, "x", x, xBytes);
    Operands.disjoint("q", q, qBytes, "xScale", xScale, scaleBytes);
    Operands.disjoint("q", q, qBytes, "alphaColumn", alphaColumn, alphaBytes);
    Operands.disjoint("s", s, sBytes, "x", x, xBytes);
    Operands.disjoint("s", s, sBytes, "xScale", xScale, scaleBytes);
    Operands.disjoint("s", s, sBytes, "alphaColumn", alphaColumn, alphaBytes);
  }

  private static void checkLength(
      String name, float @Nullable [] values, long length, String rule) {
    if (values != null) {
      Checks.length(name, values.length, length, rule);
    }
  }
}
