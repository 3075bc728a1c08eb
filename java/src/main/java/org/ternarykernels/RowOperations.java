package org.ternarykernels;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.observation.CallRecord;
import org.ternarykernels.internal.observation.FlightRecording;

/**
 * What a runtime does to rows without weights: {@link TernaryRuntime} has it for users. The runtime
 * is acquired by the caller, operands here.
 */
final class RowOperations {
  private final TernaryRuntime runtime;
  private final long address;

  RowOperations(TernaryRuntime runtime, long address) {
    this.runtime = runtime;
    this.address = address;
  }

  void quantise(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      long rotation,
      @Nullable TernaryBuffer signs,
      @Nullable TernaryBuffer alphaColumn,
      Activation activation,
      TernaryBuffer q,
      TernaryBuffer s,
      long m,
      long k) {
    Operands.acquire(x, xScale, signs, alphaColumn, q, s);
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRowCall.quantise(
          address, x, xScale, rotation, signs, alphaColumn, activation.block(), q, s, m, k);
      tellQuantise(record, x, activation, m, k);
    } finally {
      Operands.release(x, xScale, signs, alphaColumn, q, s);
    }
  }

  void quantise(
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      long rotation,
      @Nullable DeviceBuffer signs,
      @Nullable DeviceBuffer alphaColumn,
      Activation activation,
      DeviceBuffer q,
      DeviceBuffer s,
      long m,
      long k,
      CudaStream stream) {
    DeviceCall call = DeviceCall.begin(runtime.device(), stream, null);
    try {
      call.use("x", x);
      call.use("xScale", xScale);
      call.use("signs", signs);
      call.use("alphaColumn", alphaColumn);
      call.use("q", q);
      call.use("s", s);
      CallRecord record = FlightRecording.beginCall();
      NativeRowCall.startQuantise(
          address, call, x, xScale, rotation, signs, alphaColumn, activation.block(), q, s, m, k);
      tellQuantise(record, x, activation, m, k);
    } finally {
      call.end(stream, null);
      keep(x, xScale, signs, alphaColumn, q, s);
    }
  }

  private void tellQuantise(
      @Nullable CallRecord record, Operand x, Activation activation, long m, long k) {
    long written = m * k + m * activation.scales(k) * Float.BYTES;
    runtime.tell(record, "quantise_activations", m, 0, k, bytes(x, m, k), written);
  }

  void rotate(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      long rotation,
      @Nullable TernaryBuffer signs,
      boolean inverse,
      TernaryBuffer y,
      long m,
      long k) {
    Operands.acquire(x, xScale, signs, y, null, null);
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRowCall.rotate(address, x, xScale, rotation, signs, inverse, y, m, k);
      runtime.tell(record, "rotate", m, 0, k, bytes(x, m, k), bytes(y, m, k));
    } finally {
      Operands.release(x, xScale, signs, y, null, null);
    }
  }

  void rotate(
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      long rotation,
      @Nullable DeviceBuffer signs,
      boolean inverse,
      DeviceBuffer y,
      long m,
      long k,
      CudaStream stream) {
    DeviceCall call = DeviceCall.begin(runtime.device(), stream, null);
    try {
      call.use("x", x);
      call.use("xScale", xScale);
      call.use("signs", signs);
      call.use("y", y);
      CallRecord record = FlightRecording.beginCall();
      NativeRowCall.startRotate(address, call, x, xScale, rotation, signs, inverse, y, m, k);
      runtime.tell(record, "rotate", m, 0, k, bytes(x, m, k), bytes(y, m, k));
    } finally {
      call.end(stream, null);
      keep(x, xScale, signs, y, null, null);
    }
  }

  void qkNorm(@Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    TernaryBuffer qData = Heads.hostData(q);
    TernaryBuffer kData = Heads.hostData(k);
    TernaryBuffer qWeight = Heads.hostWeight(q);
    TernaryBuffer kWeight = Heads.hostWeight(k);
    Operands.acquire(qData, qWeight, kData, kWeight, null, null);
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRowCall.qkNorm(address, q, k, headDim, m);
      tellQkNorm(record, q, k, headDim, m);
    } finally {
      Operands.release(qData, qWeight, kData, kWeight, null, null);
    }
  }

  void qkNorm(@Nullable Heads q, @Nullable Heads k, long headDim, long m, CudaStream stream) {
    DeviceCall call = DeviceCall.begin(runtime.device(), stream, null);
    try {
      call.use("q", Heads.deviceData(q));
      call.use("q's weight", Heads.deviceWeight(q));
      call.use("k", Heads.deviceData(k));
      call.use("k's weight", Heads.deviceWeight(k));
      CallRecord record = FlightRecording.beginCall();
      NativeRowCall.startQkNorm(address, call, q, k, headDim, m);
      tellQkNorm(record, q, k, headDim, m);
    } finally {
      call.end(stream, null);
      Reference.reachabilityFence(q);
      Reference.reachabilityFence(k);
    }
  }

  private void tellQkNorm(
      @Nullable CallRecord record, @Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    long bytes = Heads.bytes(q, headDim, m) + Heads.bytes(k, headDim, m);
    runtime.tell(record, "qk_norm", m, 0, headDim, bytes, bytes);
  }

  private static long bytes(@Nullable Operand operand, long rows, long columns) {
    return operand == null ? 0 : rows * columns * operand.dataType().bytes();
  }

  /** Operands of a GPU's call are not collected before this. */
  private static void keep(
      @Nullable DeviceBuffer a,
      @Nullable DeviceBuffer b,
      @Nullable DeviceBuffer c,
      @Nullable DeviceBuffer d,
      @Nullable DeviceBuffer e,
      @Nullable DeviceBuffer f) {
    Reference.reachabilityFence(a);
    Reference.reachabilityFence(b);
    Reference.reachabilityFence(c);
    Reference.reachabilityFence(d);
    Reference.reachabilityFence(e);
    Reference.reachabilityFence(f);
  }
}
