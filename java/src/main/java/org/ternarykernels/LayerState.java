package org.ternarykernels;

import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.CudaPresets;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.NativeMemory;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.StackReserve;
import org.ternarykernels.internal.Status;
import org.ternarykernels.internal.observation.CallRecord;

/**
 * What both kinds of layer hold: addresses that a call passes on, and the handles that keep them
 * valid.
 */
final class LayerState {
  final TernaryRuntime runtime;
  final long weights;
  final long n;
  final long k;
  final AlphaKind alpha;
  final Activation activation;

  /** Address of N floats, or 0. */
  final long bias;

  /** Address of K floats, or 0. */
  final long norm;

  /**
   * The same on the runtime's GPU, or 0: also where there are no presets, and so no asynchronous
   * calls.
   */
  final long deviceBias;

  final long deviceNorm;

  /** Of what the layer itself is made of: weights, bias, norm. */
  private final long bytes;

  private final NativeHandle handle;
  private final NativeHandle.Owned owned;

  private LayerState(
      Object owner,
      TernaryRuntime runtime,
      TernaryWeights weights,
      Activation activation,
      float @Nullable [] givenBias,
      float @Nullable [] givenNorm) {
    // What is checked is what is kept, whoever writes to the arrays meanwhile.
    float @Nullable [] bias = givenBias == null ? null : givenBias.clone();
    float @Nullable [] norm = givenNorm == null ? null : givenNorm.clone();
    this.runtime = runtime;
    this.weights = weights.address();
    this.n = weights.n();
    this.k = weights.k();
    this.alpha = weights.alpha().kind();
    this.activation = activation;
    checkVector("bias", bias, n, "N");
    checkVector("the norm weight", norm, k, "K");
    this.bytes =
        weights.byteSize()
            + (bias == null ? 0 : n * Float.BYTES)
            + (norm == null ? 0 : k * Float.BYTES);
    NativeHandle shared = weights.handle();
    Parts parts = new Parts();
    boolean acquired = false;
    StackReserve.forCreation();
    shared.acquire();
    try {
      runtime.acquire();
      acquired = true;
      this.bias = parts.host(bias);
      this.norm = parts.host(norm);
      // Once and here: a first call under graph capture could not.
      Status.check(Ternary.ternary_weights_prepare(runtime.address(), this.weights));
      boolean onDevice = runtime.device().isCuda() && CudaPresets.isUsable();
      this.deviceBias = onDevice ? parts.device(runtime, bias) : 0;
      this.deviceNorm = onDevice ? parts.device(runtime, norm) : 0;
      this.owned = NativeHandle.own(owner, "the layer is", freeing(shared, parts));
    } catch (Throwable e) { // no memory, no heap, or a device that fails
      parts.free();
      shared.release();
      throw e;
    } finally {
      if (acquired) {
        runtime.release();
      }
    }
    this.handle = owned.handle();
  }

  /**
   * The state of a layer.
   *
   * @param workingSet null: the weights as they are; else a copy of them in the layout that the
   *     runtime chooses for this many weights, unless that is their own
   */
  static LayerState of(
      Object owner,
      TernaryRuntime runtime,
      TernaryWeights weights,
      Activation activation,
      float @Nullable [] bias,
      float @Nullable [] norm,
      @Nullable Long workingSet) {
    Layout layout =
        workingSet == null
            ? weights.layout()
            : runtime.chooseLayout(activation, weights.n(), weights.k(), workingSet);
    if (layout == weights.layout()) {
      return new LayerState(owner, runtime, weights, activation, bias, norm);
    }
    try (TernaryWeights own = weights.repack(layout)) {
      return new LayerState(owner, runtime, own, activation, bias, norm);
    }
  }

  /** Static, so that the cleaning action cannot capture the layer. */
  private static Runnable freeing(NativeHandle weights, Parts parts) {
    return () -> {
      try {
        parts.free();
      } finally {
        weights.release();
      }
    };
  }

  /** The layer's own copies of vectors. */
  private static final class Parts {
    // Bias and norm: with room, adding cannot fail.
    private final List<NativeMemory> hosts = new ArrayList<>(2);
    private final List<DeviceBuffer> devices = new ArrayList<>(2);

    /** The address of a copy, or 0 for null. */
    long host(float @Nullable [] values) {
      if (values == null) {
        return 0;
      }
      NativeMemory memory = NativeMemory.of(values);
      hosts.add(memory);
      return memory.address();
    }

    /** The address of a copy on the runtime's GPU, or 0 for null. */
    long device(TernaryRuntime runtime, float @Nullable [] values) {
      if (values == null) {
        return 0;
      }
      try (TernaryBuffer host = TernaryBuffer.copyOf(DataType.F32, values)) {
        DeviceBuffer buffer = DeviceBuffer.copyOf(runtime, host);
        devices.add(buffer);
        return buffer.address();
      }
    }

    void free() {
      hosts.forEach(NativeMemory::free);
      devices.forEach(DeviceBuffer::close);
    }
  }

  private static void checkVector(
      String name, float @Nullable [] values, long length, String rule) {
    if (values != null) {
      Checks.length(name, values.length, length, rule);
      Checks.finite(name, values);
    }
  }

  /** Begins a call: neither the layer nor its runtime goes before {@link #release}. */
  void acquire() {
    handle.acquire();
    try {
      runtime.handle().enter();
    } catch (Throwable e) {
      handle.release();
      throw e;
    }
  }

  /** Begins a call with operands, which are not freed before {@link #release} either. */
  void acquire(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y) {
    acquire();
    try {
      Operands.acquire(x, xScale, residual, residualOut, y);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  /**
   * Acquires the layer and begins a call of its runtime's GPU; {@link DeviceCall#end} and {@link
   * #release} must follow. Only x and y must not be null.
   */
  DeviceCall begin(
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
  void tell(
      @Nullable CallRecord record,
      String operation,
      Operand x,
      @Nullable Operand xScale,
      @Nullable Operand residual,
      Operand y,
      long m) {
    long read = 0;
    long written = 0;
    if (record != null) {
      long sum = residual == null ? 0 : m * k * residual.dataType().bytes();
      long scales = xScale == null ? 0 : m * Float.BYTES;
      read = bytes + m * k * x.dataType().bytes() + scales + sum;
      written = m * n * y.dataType().bytes() + sum;
    }
    runtime.tell(record, operation, m, n, k, read, written);
  }

  /** Bytes of workspace for up to so many rows. */
  long workspaceBytes(long m) {
    Checks.size("M", m, Checks.MAX_ROWS);
    acquire();
    try (Scratch bytes = Scratch.ofBytes(Long.BYTES)) {
      Status.check(
          Ternary.ternary_workspace_bytes(
              runtime.address(), weights, activation.code, m, bytes.address()));
      return bytes.readLong();
    } finally {
      release();
    }
  }

  /** Ends a call with operands; the layer is not collected before. */
  void release(
      Object layer,
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer residual,
      @Nullable TernaryBuffer residualOut,
      TernaryBuffer y) {
    Operands.release(x, xScale, residual, residualOut, y);
    release();
    Reference.reachabilityFence(layer);
  }

  /** Ends a call of the GPU. Neither the layer nor its operands are collected before. */
  void release(
      Object layer,
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      DeviceBuffer y) {
    release();
    Reference.reachabilityFence(layer);
    Reference.reachabilityFence(x);
    Reference.reachabilityFence(xScale);
    Reference.reachabilityFence(residual);
    Reference.reachabilityFence(residualOut);
    Reference.reachabilityFence(y);
  }

  private void release() {
    runtime.release();
    handle.release();
  }

  void close() {
    owned.close();
  }
}
