package org.ternarykernels;

import static org.ternarykernels.NativeExpertCall.code;
import static org.ternarykernels.NativeExpertCall.ld;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Status;

/**
 * The native function that adds experts' outputs up. Operands have been checked; host memory is
 * held here, a GPU's by its {@link DeviceCall}. What native code refuses is thrown.
 */
final class NativeCombineCall {
  private static final HeldCall HELD_COMBINE = new HeldCall("combine", "JJJJJJPIJPJPIJFPPIJPIJ");

  private NativeCombineCall() {}

  /** Adds experts' outputs in host memory up. */
  static void combine(
      long runtime,
      TernaryBuffer d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      float scaling,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    TernaryBuffer ids = routing.ids();
    TernaryBuffer weights = routing.weights();
    Operands.acquire(d, residual, residualOut, y, ids, weights);
    try {
      Status.check(
          HeldCall.needed(d, residual, residualOut, y, ids, weights)
              ? HELD_COMBINE.call(
                  runtime,
                  NativeCall.HOST,
                  m,
                  (long) routing.slots(),
                  h,
                  experts,
                  HeldCall.operand(d),
                  d.dataType().code,
                  ldd,
                  HeldCall.operand(ids),
                  routing.ldIds(),
                  HeldCall.operand(weights),
                  code(weights),
                  ld(weights, routing.ldWeights()),
                  scaling,
                  HeldCall.operand(residual),
                  HeldCall.operand(residualOut),
                  code(residual),
                  ldResidual,
                  HeldCall.operand(y),
                  y.dataType().code,
                  ldy)
              : combine(
                  runtime,
                  NativeCall.HOST,
                  d,
                  ldd,
                  routing,
                  experts,
                  h,
                  scaling,
                  residual,
                  residualOut,
                  ldResidual,
                  y,
                  ldy,
                  m));
    } finally {
      Operands.release(d, residual, residualOut, y, ids, weights);
    }
  }

  /** Starts the sum of experts' outputs in a GPU's memory. */
  static void startCombine(
      long runtime,
      DeviceCall call,
      DeviceBuffer d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      float scaling,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m) {
    Status.check(
        combine(
            runtime,
            call.address(),
            d,
            ldd,
            routing,
            experts,
            h,
            scaling,
            residual,
            residualOut,
            ldResidual,
            y,
            ldy,
            m));
  }

  private static int combine(
      long runtime,
      long call,
      Operand d,
      long ldd,
      Routing routing,
      long experts,
      long h,
      float scaling,
      @Nullable Operand residual,
      @Nullable Operand residualOut,
      long ldResidual,
      Operand y,
      long ldy,
      long m) {
    Operand weights = routing.weights;
    return Ternary.combine(
        runtime,
        call,
        m,
        routing.slots(),
        h,
        experts,
        d.address(),
        d.dataType().code,
        ldd,
        routing.ids.address(),
        routing.ldIds(),
        Operands.addressOrNull(weights),
        code(weights),
        ld(weights, routing.ldWeights()),
        scaling,
        Operands.addressOrNull(residual),
        Operands.addressOrNull(residualOut),
        code(residual),
        ldResidual,
        y.address(),
        y.dataType().code,
        ldy);
  }
}
