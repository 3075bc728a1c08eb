package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.Status;

/**
 * The native functions of layers of experts, as {@link NativeCall} has those of layers; {@link
 * NativeRouteCall} has those of routers, {@link NativeCombineCall} the sum. Operands have been
 * checked; host memory is held here, a GPU's by its {@link DeviceCall}. What native code refuses is
 * thrown.
 */
final class NativeExpertCall {
  private static final HeldCall HELD_APPLY = new HeldCall("apply_moe", "JJJJJPIJPPJPIJPPIJPIJ");

  private NativeExpertCall() {}

  /** Makes a native layer of copies of the signs; the caller destroys it. */
  static long createLayer(MoeLayer.Builder layer) {
    try (Scratch result = Scratch.ofBytes(Long.BYTES);
        Scratch signs13 = NativeCall.copyOf(Rotation.signsOf(layer.rotation13));
        Scratch signs2 = NativeCall.copyOf(Rotation.signsOf(layer.rotation2))) {
      Status.check(
          Ternary.moe_create(
              layer.w13.address(),
              layer.w2.address(),
              layer.gateOrder.code,
              layer.gateFunction.code,
              layer.clamp,
              layer.roundGateUp.code,
              layer.roundActivation.code,
              layer.roundProduct.code,
              layer.roundExpert.code,
              flag(layer.weightOnInput),
              flag(layer.weightBeforeRounding),
              layer.scaling,
              flag(!layer.combine),
              layer.activation.code,
              layer.activation.block(),
              Rotation.blockOf(layer.rotation13),
              NativeCall.addressOrNull(signs13),
              Rotation.blockOf(layer.rotation2),
              NativeCall.addressOrNull(signs2),
              result.address()));
      return result.readLong();
    }
  }

  /** Applies a layer of experts to host memory. */
  static void apply(
      long runtime,
      long layer,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      Routing routing,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    TernaryBuffer ids = routing.ids();
    TernaryBuffer weights = routing.weights();
    Operands.acquire(x, xScale, residual, residualOut, y, null);
    try {
      routing.acquire();
      try {
        Status.check(
            HeldCall.needed(x, xScale, residual, residualOut, y, ids)
                    || HeldCall.needed(weights, null, null, null, null, null)
                ? HELD_APPLY.call(
                    runtime,
                    layer,
                    NativeCall.HOST,
                    m,
                    (long) routing.slots(),
                    HeldCall.operand(x),
                    x.dataType().code,
                    ldx,
                    HeldCall.operand(xScale),
                    HeldCall.operand(ids),
                    routing.ldIds(),
                    HeldCall.operand(weights),
                    code(weights),
                    ld(weights, routing.ldWeights()),
                    HeldCall.operand(residual),
                    HeldCall.operand(residualOut),
                    code(residual),
                    ldResidual,
                    HeldCall.operand(y),
                    y.dataType().code,
                    ldy)
                : apply(
                    runtime,
                    layer,
                    NativeCall.HOST,
                    x,
                    ldx,
                    xScale,
                    routing,
                    residual,
                    residualOut,
                    ldResidual,
                    y,
                    ldy,
                    m));
      } finally {
        routing.release();
      }
    } finally {
      Operands.release(x, xScale, residual, residualOut, y, null);
    }
  }

  /** Starts a layer of experts in a GPU's memory. */
  static void start(
      long runtime,
      long layer,
      DeviceCall call,
      DeviceBuffer x,
      long ldx,
      @Nullable DeviceBuffer xScale,
      Routing routing,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m) {
    Status.check(
        apply(
            runtime,
            layer,
            call.address(),
            x,
            ldx,
            xScale,
            routing,
            residual,
            residualOut,
            ldResidual,
            y,
            ldy,
            m));
  }

  private static int apply(
      long runtime,
      long layer,
      long call,
      Operand x,
      long ldx,
      @Nullable Operand xScale,
      Routing routing,
      @Nullable Operand residual,
      @Nullable Operand residualOut,
      long ldResidual,
      Operand y,
      long ldy,
      long m) {
    Operand weights = routing.weights;
    return Ternary.apply_moe(
        runtime,
        layer,
        call,
        m,
        routing.slots(),
        x.address(),
        x.dataType().code,
        ldx,
        Operands.addressOrNull(xScale),
        routing.ids.address(),
        routing.ldIds(),
        Operands.addressOrNull(weights),
        code(weights),
        ld(weights, routing.ldWeights()),
        Operands.addressOrNull(residual),
        Operands.addressOrNull(residualOut),
        code(residual),
        ldResidual,
        y.address(),
        y.dataType().code,
        ldy);
  }

  static int flag(boolean value) {
    return value ? 1 : 0;
  }

  /** The type of an operand; 0 of none, as its stride is. */
  static int code(@Nullable Operand operand) {
    return operand == null ? 0 : operand.dataType().code;
  }

  static long ld(@Nullable Operand operand, long stride) {
    return operand == null ? 0 : stride;
  }
}
