package org.ternarykernels;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.StackReserve;
import org.ternarykernels.internal.Status;
import org.ternarykernels.internal.observation.CallRecord;
import org.ternarykernels.internal.observation.FlightRecording;

/** What both kinds of layer are: a native layer and the runtime that serves its calls. */
final class LayerState {
  final TernaryRuntime runtime;
  final LayerShape shape;

  private final long address;

  /** Of what the layer itself is made of: weights, bias, norm. */
  private final long bytes;

  private final NativeHandle handle;
  private final NativeHandle.Owned owned;

  private LayerState(
      TernaryRuntime runtime,
      TernaryWeights weights,
      Activation activation,
      @Nullable Rotation rotation,
      float @Nullable [] givenBias,
      float @Nullable [] givenNorm,
      float eps,
      long expectedRows) {
    // What is checked is what is kept, whoever writes to the arrays meanwhile.
    float @Nullable [] bias = givenBias == null ? null : givenBias.clone();
    float @Nullable [] norm = givenNorm == null ? null : givenNorm.clone();
    this.runtime = runtime;
    this.shape = LayerShape.of(weights, activation, rotation, norm != null);
    if (rotation != null && rotation.shared() != null) {
      Checks.length("signs", rotation.shared().length, shape.k(), "K");
    }
    checkVector("bias", bias, shape.n(), "N");
    checkVector("the norm weight", norm, shape.k(), "K");
    NativeHandle shared = weights.handle();
    long layer = 0;
    boolean acquired = false;
    StackReserve.forCreation();
    shared.acquire();
    try {
      runtime.acquire();
      acquired = true;
      layer = NativeCall.createLayer(weights, activation, rotation, bias, norm, eps, expectedRows);
      // Once and here: a first call under graph capture could not.
      Status.check(Ternary.ternary_prepare(runtime.address(), layer));
      this.bytes = Ternary.ternary_layer_bytes(layer);
      this.owned = NativeHandle.own(this, "the layer is", freeing(layer, shared));
    } catch (Throwable e) { // no memory, no heap, or a device that fails
      Ternary.ternary_layer_destroy(layer);
      shared.release();
      throw e;
    } finally {
      if (acquired) {
        runtime.release();
      }
    }
    this.address = layer;
    this.handle = owned.handle();
  }

  /**
   * The state of a layer.
   *
   * @param eps of the norm; 0 without one
   * @param workingSet null: the weights as they are; else a copy of them in the layout that the
   *     runtime chooses for this many weights, unless that is their own
   * @param expectedRows of X of the calls that the layer is for; 0: 1 to 16
   */
  static LayerState of(
      TernaryRuntime runtime,
      TernaryWeights weights,
      Activation activation,
      @Nullable Rotation rotation,
      float @Nullable [] bias,
      float @Nullable [] norm,
      float eps,
      @Nullable Long workingSet,
      long expectedRows) {
    Checks.optionalSize("expectedRows", expectedRows, Checks.MAX_ROWS);
    Layout layout =
        workingSet == null
            ? weights.layout()
            : runtime.chooseLayout(activation, weights.n(), weights.k(), workingSet);
    if (layout == weights.layout()) {
      return new LayerState(runtime, weights, activation, rotation, bias, norm, eps, expectedRows);
    }
    try (TernaryWeights own = weights.repack(layout)) {
      return new LayerState(runtime, own, activation, rotation, bias, norm, eps, expectedRows);
    }
  }

  /**
   * Static, so that the cleaning action cannot capture the layer. Native code retains the weights
   * too: the layer is a user of their handle so that a test sees whether it was freed.
   */
  private static Runnable freeing(long layer, NativeHandle weights) {
    return () -> {
      try {
        Ternary.ternary_layer_destroy(layer);
      } finally {
        weights.release();
      }
    };
  }

  private static void checkVector(
      String name, float @Nullable [] values, long length, String rule) {
    if (values != null) {
      Checks.length(name, values.length, length, rule);
      Checks.finite(name, values);
    }
  }

  /** Computes Y of host memory. Operands that the layer's kind does not have are null. */
  void apply(
      TernaryBuffer x,
      long ldx,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      long ldResidual,
      TernaryBuffer y,
      long ldy,
      long m) {
    shape.check(x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
    acquire(x, xScale, residual, residualOut, y);
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeCall.apply(
          runtime.address(), address, x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
      tell(record, x, xScale, residual, y, m);
    } finally {
      release(x, xScale, residual, residualOut, y);
    }
  }

  /** Gives the work on a GPU's memory to a stream. */
  void apply(
      DeviceBuffer x,
      long ldx,
      @Nullable DeviceBuffer xScale,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    shape.check(x, ldx, xScale, residual, residualOut, ldResidual, y, ldy, m);
    DeviceCall call = begin(stream, workspace, x, xScale, residual, residualOut, y);
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeCall.start(
          runtime.address(),
          address,
          call,
          x,
          ldx,
          xScale,
          residual,
          residualOut,
          ldResidual,
          y,
          ldy,
          m);
      tell(record, x, xScale, residual, y, m);
    } finally {
      call.end(stream, workspace);
      release(x, xScale, residual, residualOut, y);
    }
  }

  /** Begins a call: neither the layer nor its runtime goes before {@link #release}. */
  private void acquire() {
    handle.acquire();
    try {
      runtime.handle().enter();
    } catch (Throwable e) {
      handle.release();
      throw e;
    }
  }

  /** Begins a call with operands, which are not freed before {@link #release} either. */
  private void acquire(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y) {
    acquire();
    try {
      Operands.acquire(x, xScale, residual, residualOut, y, null);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  /**
   * Acquires the layer and begins a call of its runtime's GPU; {@link DeviceCall#end} and {@link
   * #release} must follow. Only x and y must not be null.
   */
  private DeviceCall begin(
      CudaStream stream,
      @Nullable DeviceBuffer workspace,
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      DeviceBuffer y) {
    Operands.workspace(workspace, "x", x);
    Operands.workspace(workspace, "xScale", xScale);
    Operands.workspace(workspace, "y", y);
    Operands.workspace(workspace, "residual", residual);
    Operands.workspace(workspace, "residualOut", residualOut);
    acquire();
    @Nullable DeviceCall call = null;
    try {
      call = DeviceCall.begin(runtime.device(), stream, workspace);
      call.hold(handle);
      call.use("x", x);
      call.use("xScale", xScale);
      call.use("residual", residual);
      call.use("residualOut", residualOut);
      call.use("y", y);
      return call;
    } catch (Throwable e) {
      if (call != null) {
        call.end(stream, workspace);
      }
      release();
      throw e;
    }
  }

  /** Tells of a call that has succeeded, which nothing here can change. */
  private void tell(
      @Nullable CallRecord record,
      Operand x,
      @Nullable Operand xScale,
      @Nullable Operand residual,
      Operand y,
      long m) {
    long read = 0;
    long written = 0;
    if (record != null) {
      long sum = residual == null ? 0 : m * shape.k() * residual.dataType().bytes();
      long scalesOfRow = x.dataType() == DataType.I8 ? shape.scales() : 1;
      long scales = xScale == null ? 0 : m * scalesOfRow * Float.BYTES;
      read = bytes + m * shape.k() * x.dataType().bytes() + scales + sum;
      written = m * shape.n() * y.dataType().bytes() + sum;
    }
    String operation = shape.normed() ? "rmsnorm_linear" : "linear";
    runtime.tell(record, operation, m, shape.n(), shape.k(), read, written);
  }

  /** Bytes of workspace for up to so many rows. */
  long workspaceBytes(long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    acquire();
    try (Scratch bytes = Scratch.ofBytes(Long.BYTES)) {
      Status.check(Ternary.ternary_workspace_bytes(runtime.address(), address, m, bytes.address()));
      return bytes.readLong();
    } finally {
      release();
    }
  }

  /** Ends a call with operands; the layer is not collected before. */
  private void release(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y) {
    Operands.release(x, xScale, residual, residualOut, y, null);
    release();
  }

  /** Ends a call of the GPU. Neither the layer nor its operands are collected before. */
  private void release(
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      DeviceBuffer y) {
    release();
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(xScale);
    Reference.reachabilityFence(residual);
    Reference.reachabilityFence(residualOut);
    Reference.reachabilityFence(y);
  }

  private void release() {
    runtime.release();
    handle.release();
    Reference.reachabilityFence(this);
  }

  void close() {
    owned.close();
  }
}
