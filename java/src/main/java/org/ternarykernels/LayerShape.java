package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * What the operands of a layer must fit.
 *
 * @param n output features
 * @param k input features
 * @param alpha what a scale of the weights belongs to
 * @param activation how X is used
 * @param scales of a row of int8 X
 * @param rotated whether X is rotated before it is quantised
 * @param normed whether X is normalised before the product, and may have a residual added
 */
record LayerShape(
    long n,
    long k,
    AlphaKind alpha,
    Activation activation,
    long scales,
    boolean rotated,
    boolean normed) {
  static LayerShape of(
      TernaryWeights weights, Activation activation, @Nullable Rotation rotation, boolean normed) {
    return new LayerShape(
        weights.n(),
        weights.k(),
        weights.alpha().kind(),
        activation,
        activation.scales(weights.k()),
        rotation != null,
        normed);
  }

  /** Throws for the first rule that an operand breaks. A layer without norm has no residual. */
  void check(
      Operand x,
      long ldx,
      @Nullable Operand xScale,
      @Nullable Operand residual,
      @Nullable Operand residualOut,
      long ldResidual,
      Operand y,
      long ldy,
      long m) {
    if (normed && x != null && x.dataType() == DataType.I8) {
      throw new IllegalArgumentException(
          "x is of type I8, must be F32, F16, BF16 or F8_E4M3 to be normalised");
    }
    long xBytes = Operands.activations(x, ldx, activation, alpha, rotated, m, k);
    long scaleBytes = Operands.scale(xScale, x.dataType(), m, scales);
    long yBytes = Operands.result(y, ldy, m, n);
    Operands.disjoint("y", y, yBytes, "x", x, xBytes);
    Operands.disjoint("y", y, yBytes, "xScale", xScale, scaleBytes);
    if (residual == null) {
      if (residualOut != null) {
        throw new IllegalArgumentException("residualOut is given without residual, must be null");
      }
      return;
    }
    long residualBytes = Operands.input("residual", residual, ldResidual, m, k);
    Operands.floats("residual", residual);
    Operand out = Checks.notNull("residualOut", residualOut);
    Operands.output("residualOut", out, ldResidual, m, k);
    Operands.typed("residualOut", out, residual.dataType());
    Operands.disjoint("residualOut", out, residualBytes, "x", x, xBytes);
    Operands.disjoint("residualOut", out, residualBytes, "xScale", xScale, scaleBytes);
    Operands.disjoint("y", y, yBytes, "residual", residual, residualBytes);
    Operands.disjoint("y", y, yBytes, "residualOut", out, residualBytes);
    if (out.address() != residual.address()) {
      Operands.disjoint("residualOut", out, residualBytes, "residual", residual, residualBytes);
    }
  }
}
