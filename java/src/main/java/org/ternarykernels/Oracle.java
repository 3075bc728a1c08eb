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
    linear(weights, activation, null, bias, x, ldx, xScale, y, ldy, m);
  }

  /**
   * What {@link TernaryLinear} with a rotation must give. Parameters and errors as for {@link
   * TernaryLinear#apply(TernaryBuffer, long, TernaryBuffer, TernaryBuffer, long, long)}.
   *
   * @param weights of the layer
   * @param activation of the layer
   * @param rotation of the layer, or null
   * @param bias N values or null
   * @param x as there
   * @param ldx as there
   * @param xScale as there
   * @param y as there
   * @param ldy as there
   * @param m as there
   * @since 0.2.0
   */
  public static void linear(
      TernaryWeights weights,
      Activation activation,
      @Nullable Rotation rotation,
      float @Nullable [] bias,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      TernaryBuffer y,
      long ldy,
      long m) {
    Checks.notNull("weights", weights);
    Checks.notNull("activation", activation);
    apply(weights, activation, rotation, null, 0, bias, x, ldx, xScale, null, null, 0, y, ldy, m);
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
    rmsNormLinear(
        weights,
        activation,
        null,
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

  /**
   * What {@link RmsNormLinear} with a rotation must give. Parameters and errors as for {@link
   * RmsNormLinear#apply(TernaryBuffer, long, TernaryBuffer, TernaryBuffer, TernaryBuffer, long,
   * TernaryBuffer, long, long)}.
   *
   * @param weights of the layer
   * @param activation of the layer
   * @param rotation of the layer, or null
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
   * @since 0.2.0
   */
  public static void rmsNormLinear(
      TernaryWeights weights,
      Activation activation,
      @Nullable Rotation rotation,
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
        rotation,
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
      @Nullable Rotation rotation,
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
    LayerShape shape = LayerShape.of(weights, activation, rotation, norm != null);
    shape.check(x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
    StackReserve.forCreation();
    begin(weights, x, xScale, residual, residualOut, y);
    try {
      checkLength("bias", bias, shape.n(), "N");
      checkLength("norm", norm, shape.k(), "K");
      checkLength("signs", rotation == null ? null : rotation.shared(), shape.k(), "K");
      long layer = NativeCall.createLayer(weights, activation, rotation, bias, norm, eps, 0);
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
      Operands.acquire(x, xScale, residual, residualOut, y, null);
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
    Operands.release(x, xScale, residual, residualOut, y, null);
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
    quantise(x, xScale, 0, null, alphaColumn, Activation.A8, q, s, m, k);
  }

  /**
   * What {@link TernaryRuntime#quantise} with blocks and a rotation must give. Parameters and
   * errors as there.
   *
   * @param x as there
   * @param xScale as there
   * @param rotation as there
   * @param signs as there
   * @param alphaColumn as there
   * @param activation as there
   * @param q as there
   * @param s as there
   * @param m as there
   * @param k as there
   * @since 0.2.0
   */
  public static void quantise(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      int rotation,
      @Nullable TernaryBuffer signs,
      @Nullable TernaryBuffer alphaColumn,
      Activation activation,
      TernaryBuffer q,
      TernaryBuffer s,
      long m,
      long k) {
    RowChecks.quantise(x, xScale, signs, alphaColumn, activation, q, s, m, k);
    StackReserve.forCall();
    Operands.acquire(x, xScale, signs, alphaColumn, q, s);
    try {
      NativeRowCall.quantise(
          NativeCall.ORACLE,
          x,
          xScale,
          rotation,
          signs,
          alphaColumn,
          activation.block(),
          q,
          s,
          m,
          k);
    } finally {
      Operands.release(x, xScale, signs, alphaColumn, q, s);
    }
  }

  /**
   * What {@link TernaryRuntime#rotate} must give. Parameters and errors as there.
   *
   * @param x as there
   * @param xScale as there
   * @param rotation as there
   * @param signs as there
   * @param inverse as there
   * @param y as there
   * @param m as there
   * @param k as there
   * @since 0.2.0
   */
  public static void rotate(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      int rotation,
      @Nullable TernaryBuffer signs,
      boolean inverse,
      TernaryBuffer y,
      long m,
      long k) {
    RowChecks.rotate(x, xScale, signs, y, m, k);
    StackReserve.forCall();
    Operands.acquire(x, xScale, signs, y, null, null);
    try {
      NativeRowCall.rotate(NativeCall.ORACLE, x, xScale, rotation, signs, inverse, y, m, k);
    } finally {
      Operands.release(x, xScale, signs, y, null, null);
    }
  }

  /**
   * What {@link TernaryRuntime#qkNorm} must give. Parameters and errors as there.
   *
   * @param q as there
   * @param k as there
   * @param headDim as there
   * @param m as there
   * @since 0.2.0
   */
  public static void qkNorm(@Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    Heads.check(q, k, false, headDim, m);
    StackReserve.forCall();
    TernaryBuffer qData = Heads.hostData(q);
    TernaryBuffer kData = Heads.hostData(k);
    TernaryBuffer qWeight = Heads.hostWeight(q);
    TernaryBuffer kWeight = Heads.hostWeight(k);
    Operands.acquire(qData, qWeight, kData, kWeight, null, null);
    try {
      NativeRowCall.qkNorm(NativeCall.ORACLE, q, k, headDim, m);
    } finally {
      Operands.release(qData, qWeight, kData, kWeight, null, null);
    }
  }

  private static void checkLength(
      String name, float @Nullable [] values, long length, String rule) {
    if (values != null) {
      Checks.length(name, values.length, length, rule);
    }
  }
}
