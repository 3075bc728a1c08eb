package org.ternarykernels;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Status;

/**
 * The native functions of rows without weights, which take structs in C, as {@link NativeCall} has
 * those of layers.
 */
final class NativeRowCall {
  private static final HeldCall HELD_QUANTISE = new HeldCall("quantise", "JJJJPIJPJPPJPJP");
  private static final HeldCall HELD_ROTATE = new HeldCall("rotate", "JJJJPIJPJPIPIJ");
  private static final HeldCall HELD_QK_NORM = new HeldCall("qk_norm", "JJJJPIJJPFPIJJPF");

  private NativeRowCall() {}

  /** Quantises contiguous host memory. */
  static void quantise(
      long runtime,
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      long rotation,
      @Nullable TernaryBuffer signs,
      @Nullable TernaryBuffer alphaColumn,
      long block,
      TernaryBuffer q,
      TernaryBuffer s,
      long m,
      long k) {
    Status.check(
        HeldCall.needed(x, xScale, signs, alphaColumn, q, s)
            ? HELD_QUANTISE.call(
                runtime,
                NativeCall.HOST,
                m,
                k,
                HeldCall.operand(x),
                x.dataType().code,
                k,
                HeldCall.operand(xScale),
                rotation,
                HeldCall.operand(signs),
                HeldCall.operand(alphaColumn),
                block,
                HeldCall.operand(q),
                k,
                HeldCall.operand(s))
            : quantise(
                runtime,
                NativeCall.HOST,
                x,
                xScale,
                rotation,
                signs,
                alphaColumn,
                block,
                q,
                s,
                m,
                k));
  }

  /** Starts the quantisation of contiguous memory of a GPU. */
  static void startQuantise(
      long runtime,
      DeviceCall call,
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      long rotation,
      @Nullable DeviceBuffer signs,
      @Nullable DeviceBuffer alphaColumn,
      long block,
      DeviceBuffer q,
      DeviceBuffer s,
      long m,
      long k) {
    Status.check(
        quantise(
            runtime, call.address(), x, xScale, rotation, signs, alphaColumn, block, q, s, m, k));
  }

  private static int quantise(
      long runtime,
      long call,
      Operand x,
      @Nullable Operand xScale,
      long rotation,
      @Nullable Operand signs,
      @Nullable Operand alphaColumn,
      long block,
      Operand q,
      Operand s,
      long m,
      long k) {
    return Ternary.quantise(
        runtime,
        call,
        m,
        k,
        x.address(),
        x.dataType().code,
        k,
        Operands.addressOrNull(xScale),
        rotation,
        Operands.addressOrNull(signs),
        Operands.addressOrNull(alphaColumn),
        block,
        q.address(),
        k,
        s.address());
  }

  /** Rotates contiguous host memory. */
  static void rotate(
      long runtime,
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      long rotation,
      @Nullable TernaryBuffer signs,
      boolean inverse,
      TernaryBuffer y,
      long m,
      long k) {
    Status.check(
        HeldCall.needed(x, xScale, signs, y, null, null)
            ? HELD_ROTATE.call(
                runtime,
                NativeCall.HOST,
                m,
                k,
                HeldCall.operand(x),
                x.dataType().code,
                k,
                HeldCall.operand(xScale),
                rotation,
                HeldCall.operand(signs),
                inverse ? 1 : 0,
                HeldCall.operand(y),
                y.dataType().code,
                k)
            : rotate(runtime, NativeCall.HOST, x, xScale, rotation, signs, inverse, y, m, k));
  }

  /** Starts the rotation of contiguous memory of a GPU. */
  static void startRotate(
      long runtime,
      DeviceCall call,
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      long rotation,
      @Nullable DeviceBuffer signs,
      boolean inverse,
      DeviceBuffer y,
      long m,
      long k) {
    Status.check(rotate(runtime, call.address(), x, xScale, rotation, signs, inverse, y, m, k));
  }

  private static int rotate(
      long runtime,
      long call,
      Operand x,
      @Nullable Operand xScale,
      long rotation,
      @Nullable Operand signs,
      boolean inverse,
      Operand y,
      long m,
      long k) {
    return Ternary.rotate(
        runtime,
        call,
        m,
        k,
        x.address(),
        x.dataType().code,
        k,
        Operands.addressOrNull(xScale),
        rotation,
        Operands.addressOrNull(signs),
        inverse ? 1 : 0,
        y.address(),
        y.dataType().code,
        k);
  }

  /** Normalises heads in host memory. */
  static void qkNorm(long runtime, @Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    TernaryBuffer qData = Heads.hostData(q);
    TernaryBuffer kData = Heads.hostData(k);
    TernaryBuffer qWeight = Heads.hostWeight(q);
    TernaryBuffer kWeight = Heads.hostWeight(k);
    Status.check(
        HeldCall.needed(qData, qWeight, kData, kWeight, null, null)
            ? HELD_QK_NORM.call(
                runtime,
                NativeCall.HOST,
                m,
                headDim,
                HeldCall.operand(qData),
                Heads.type(q),
                Heads.ld(q),
                Heads.count(q),
                HeldCall.operand(qWeight),
                Heads.eps(q),
                HeldCall.operand(kData),
                Heads.type(k),
                Heads.ld(k),
                Heads.count(k),
                HeldCall.operand(kWeight),
                Heads.eps(k))
            : qkNorm(runtime, NativeCall.HOST, q, k, headDim, m));
  }

  /** Starts the norms of heads in a GPU's memory. */
  static void startQkNorm(
      long runtime, DeviceCall call, @Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    Status.check(qkNorm(runtime, call.address(), q, k, headDim, m));
  }

  private static int qkNorm(
      long runtime, long call, @Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    return Ternary.qk_norm(
        runtime,
        call,
        m,
        headDim,
        Heads.dataAddress(q),
        Heads.type(q),
        Heads.ld(q),
        Heads.count(q),
        Heads.weightAddress(q),
        Heads.eps(q),
        Heads.dataAddress(k),
        Heads.type(k),
        Heads.ld(k),
        Heads.count(k),
        Heads.weightAddress(k),
        Heads.eps(k));
  }
}
