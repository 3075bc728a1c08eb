package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.Status;

/**
 * The native functions of layers, which take structs in C; {@link NativeRowCall} has those of rows
 * without weights. Operands have been checked and are held. What native code refuses is thrown.
 */
final class NativeCall {
  /** In place of a runtime: the oracle computes. */
  static final long ORACLE = 0;

  /** In place of a {@code ternary_cuda_call}: the operands are host memory. */
  static final long HOST = 0;

  private static final HeldCall HELD_APPLY = new HeldCall("apply", "JJJJPIJPPPIJPIJ");

  private NativeCall() {}

  /** Makes a native layer of copies of the vectors; the caller destroys it. */
  static long createLayer(
      TernaryWeights weights,
      Activation activation,
      @Nullable Rotation rotation,
      float @Nullable [] bias,
      float @Nullable [] norm,
      float eps,
      long expectedRows) {
    try (Scratch layer = Scratch.ofBytes(Long.BYTES);
        Scratch biasCopy = copyOf(bias);
        Scratch normCopy = copyOf(norm);
        Scratch signsCopy = copyOf(Rotation.signsOf(rotation))) {
      Status.check(
          Ternary.layer_create(
              weights.address(),
              addressOrNull(biasCopy),
              addressOrNull(normCopy),
              eps,
              activation.code,
              activation.block(),
              Rotation.blockOf(rotation),
              addressOrNull(signsCopy),
              expectedRows,
              layer.address()));
      return layer.readLong();
    }
  }

  static @Nullable Scratch copyOf(float @Nullable [] values) {
    return values == null ? null : Scratch.copyOf(values);
  }

  static long addressOrNull(@Nullable Scratch scratch) {
    return scratch == null ? 0 : scratch.address();
  }

  /** Applies a layer to host memory. */
  static void apply(
      long runtime,
      long layer,
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    Status.check(
        HeldCall.needed(x, xScale, residual, residualOut, y, null)
            ? HELD_APPLY.call(
                runtime,
                layer,
                HOST,
                m,
                HeldCall.operand(x),
                x.dataType().code,
                ldx,
                HeldCall.operand(xScale),
                HeldCall.operand(residual),
                HeldCall.operand(residualOut),
                residual == null ? 0 : residual.dataType().code,
                ldResidual,
                HeldCall.operand(y),
                y.dataType().code,
                ldy)
            : apply(
                runtime,
                layer,
                HOST,
                x,
                ldx,
                xScale,
                residual,
                residualOut,
                ldResidual,
                y,
                ldy,
                m));
  }

  /** Starts a layer's work on a GPU. */
  static void start(
      long runtime,
      long layer,
      DeviceCall call,
      DeviceBuffer x,
      long ldx,
      @Nullable DeviceBuffer xScale,
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
      @Nullable Operand residual,
      @Nullable Operand residualOut,
      long ldResidual,
      Operand y,
      long ldy,
      long m) {
    return Ternary.apply(
        runtime,
        layer,
        call,
        m,
        x.address(),
        x.dataType().code,
        ldx,
        Operands.addressOrNull(xScale),
        Operands.addressOrNull(residual),
        Operands.addressOrNull(residualOut),
        residual == null ? 0 : residual.dataType().code,
        ldResidual,
        y.address(),
        y.dataType().code,
        ldy);
  }
}
