package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;

/**
 * The operands of {@link MoeLayer} and {@link Experts}, checked as {@link Operands} checks those of
 * layers: what native code cannot know, the sizes of memory, and what its sentences would not name
 * as Java does. It sees itself which operands overlap.
 */
final class ExpertChecks {
  /** Experts that a row may choose. */
  static final int MOST_SLOTS = 64;

  private static final int MOST_EXPERTS = 4096;

  private ExpertChecks() {}

  static void apply(
      MoeShape shape,
      Operand x,
      long ldx,
      @Nullable Operand xScale,
      Routing routing,
      @Nullable Operand residual,
      @Nullable Operand residualOut,
      long ldResidual,
      Operand y,
      long ldy,
      boolean onGpu,
      long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.notNull("routing", routing);
    Operands.input("x", x, ldx, m, shape.h());
    RowChecks.floatX("for a layer of experts", x);
    Operands.scale(xScale, x.dataType(), m, 1);
    routing.checkInput(m, shape.readsWeights(), onGpu);
    if (!shape.combines() && residual != null) {
      throw new IllegalArgumentException(
          "residual is given to a layer that does not combine, must be null");
    }
    Operands.result(y, ldy, m, shape.combines() ? shape.h() : routing.slots() * shape.h());
    residual(residual, residualOut, ldResidual, m, shape.h());
  }

  private static void residual(
      @Nullable Operand residual, @Nullable Operand residualOut, long ldResidual, long m, long h) {
    if (residual == null) {
      if (residualOut != null) {
        throw new IllegalArgumentException("residualOut is given without residual, must be null");
      }
      return;
    }
    Operands.input("residual", residual, ldResidual, m, h);
    Operands.floats("residual", residual);
    Operand out = Checks.notNull("residualOut", residualOut);
    Operands.output("residualOut", out, ldResidual, m, h);
    Operands.typed("residualOut", out, residual.dataType());
  }

  static void align(
      Routing routing, long experts, Operand slots, Operand offsets, boolean onGpu, long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    experts(experts);
    Checks.notNull("routing", routing).checkInput(m, false, onGpu);
    numbers("slots", slots, m * routing.slots());
    numbers("offsets", offsets, experts + 1);
  }

  private static void numbers(String name, Operand buffer, long count) {
    Operands.output(name, buffer, count, 1, count);
    Operands.typed(name, buffer, DataType.I32);
  }

  static void combine(
      Operand d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      @Nullable Operand residual,
      @Nullable Operand residualOut,
      long ldResidual,
      Operand y,
      long ldy,
      boolean onGpu,
      long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Checks.size("H", h, Checks.MAX_ROWS);
    experts(experts);
    Checks.notNull("routing", routing).checkInput(m, false, onGpu);
    Operands.input("d", d, ldd, m, routing.slots() * h);
    Operands.floats("d", d);
    Operands.result(y, ldy, m, h);
    residual(residual, residualOut, ldResidual, m, h);
  }

  static void experts(long experts) {
    if (experts < 1 || experts > MOST_EXPERTS) {
      throw new IllegalArgumentException(
          "E is " + experts + ", must be at least 1 and at most " + MOST_EXPERTS);
    }
  }
}
