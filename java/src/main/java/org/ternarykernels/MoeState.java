package org.ternarykernels;

import java.lang.ref.Reference;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.StackReserve;
import org.ternarykernels.internal.Status;
import org.ternarykernels.internal.observation.CallRecord;
import org.ternarykernels.internal.observation.FlightRecording;

/** What a layer of experts is: a native layer and the runtime that serves its calls. */
final class MoeState {
  final MoeShape shape;

  private final TernaryRuntime runtime;
  private final long address;
  private final long bytes;
  private final NativeHandle handle;
  private final NativeHandle.Owned owned;

  MoeState(MoeLayer.Builder layer) {
    this.runtime = layer.runtime;
    this.shape =
        new MoeShape(
            layer.w13.experts(),
            layer.w13.k(),
            layer.w2.k(),
            layer.combine,
            layer.combine || layer.weightOnInput || layer.weightBeforeRounding);
    checkSigns("rotation13's signs", layer.rotation13, shape.h(), "H");
    checkSigns("rotation2's signs", layer.rotation2, shape.i(), "I");
    NativeHandle w13 = layer.w13.handle();
    NativeHandle w2 = layer.w2.handle();
    StackReserve.forCreation();
    w13.acquire();
    try {
      w2.enter();
    } catch (Throwable e) { // closed
      w13.release();
      throw e;
    }
    long made = 0;
    boolean acquired = false;
    try {
      runtime.acquire();
      acquired = true;
      made = NativeExpertCall.createLayer(layer);
      // Once and here: a first call under graph capture could not.
      Status.check(Ternary.ternary_prepare_moe(runtime.address(), made));
      this.bytes = Ternary.ternary_moe_bytes(made);
      this.owned = NativeHandle.own(this, "the layer is", freeing(made, w13, w2));
    } catch (Throwable e) { // no memory, no heap, or a device that fails
      Ternary.ternary_moe_destroy(made);
      w2.release();
      w13.release();
      throw e;
    } finally {
      if (acquired) {
        runtime.release();
      }
      Reference.reachabilityFence(layer);
    }
    this.address = made;
    this.handle = owned.handle();
  }

  private static void checkSigns(
      String name, @Nullable Rotation rotation, long length, String rule) {
    float @Nullable [] signs = Rotation.signsOf(rotation);
    if (signs != null) {
      Checks.length(name, signs.length, length, rule);
    }
  }

  /** Static, so that the cleaning action cannot capture the layer, as LayerState's. */
  private static Runnable freeing(long layer, NativeHandle w13, NativeHandle w2) {
    return () -> {
      try {
        Ternary.ternary_moe_destroy(layer);
      } finally {
        w2.release();
        w13.release();
      }
    };
  }

  /** Computes Y of host memory. */
  void apply(
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
    ExpertChecks.apply(
        shape, x, ldx, xScale, routing, residual, residualOut, ldResidual, y, ldy, false, m);
    acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeExpertCall.apply(
          runtime.address(),
          address,
          x,
          ldx,
          xScale,
          routing,
          residual,
          residualOut,
          ldResidual,
          y,
          ldy,
          m);
      long read = record == null ? 0 : chosenBytes(routing, m);
      tell(record, read, x, routing, residual, y, m);
    } finally {
      release();
    }
  }

  /** Gives the work on a GPU's memory to a stream. */
  void apply(
      DeviceBuffer x,
      long ldx,
      @Nullable DeviceBuffer xScale,
      Routing routing,
      @Nullable DeviceBuffer residual,
      @Nullable DeviceBuffer residualOut,
      long ldResidual,
      DeviceBuffer y,
      long ldy,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    ExpertChecks.apply(
        shape, x, ldx, xScale, routing, residual, residualOut, ldResidual, y, ldy, true, m);
    DeviceCall call = begin(stream, workspace);
    try {
      call.hold(handle);
      call.hold(runtime.handle()); // kernels count wrong ids in its memory
      call.use("x", x);
      call.use("xScale", xScale);
      call.use("ids", Operands.device(routing.ids));
      call.use("weights", Operands.device(routing.weights));
      call.use("residual", residual);
      call.use("residualOut", residualOut);
      call.use("y", y);
      CallRecord record = FlightRecording.beginCall();
      NativeExpertCall.start(
          runtime.address(),
          address,
          call,
          x,
          ldx,
          xScale,
          routing,
          residual,
          residualOut,
          ldResidual,
          y,
          ldy,
          m);
      tell(record, bytesOf(m * routing.slots()), x, routing, residual, y, m);
    } finally {
      call.end(stream, workspace);
      release();
      Reference.reachabilityFence(x);
      Reference.reachabilityFence(xScale);
      Reference.reachabilityFence(routing);
      Reference.reachabilityFence(residual);
      Reference.reachabilityFence(residualOut);
      Reference.reachabilityFence(y);
    }
  }

  /** Acquires the layer and begins a call of its runtime's GPU. */
  private DeviceCall begin(CudaStream stream, @Nullable DeviceBuffer workspace) {
    acquire();
    try {
      return DeviceCall.begin(runtime.device(), stream, workspace);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  /** What {@link #apply} must give, by the oracle. The runtime may be closed. */
  void applyOracle(
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
    ExpertChecks.apply(
        shape, x, ldx, xScale, routing, residual, residualOut, ldResidual, y, ldy, false, m);
    handle.acquire();
    try {
      NativeExpertCall.apply(
          NativeCall.ORACLE,
          address,
          x,
          ldx,
          xScale,
          routing,
          residual,
          residualOut,
          ldResidual,
          y,
          ldy,
          m);
    } finally {
      handle.release();
      Reference.reachabilityFence(this);
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

  private void release() {
    runtime.release();
    handle.release();
    Reference.reachabilityFence(this);
  }

  /**
   * Tells of a call that has succeeded, which nothing here can change.
   *
   * @param ofExperts bytes of their weights that were read
   */
  private void tell(
      @Nullable CallRecord record,
      long ofExperts,
      Operand x,
      Routing routing,
      @Nullable Operand residual,
      Operand y,
      long m) {
    long sum = residual == null ? 0 : m * shape.h() * residual.dataType().bytes();
    long columns = shape.combines() ? shape.h() : routing.slots() * shape.h();
    long read = ofExperts + m * shape.h() * x.dataType().bytes() + sum;
    long written = m * columns * y.dataType().bytes() + sum;
    runtime.tell(record, "moe", m, shape.h(), shape.h(), read, written);
  }

  /** Of the weights of experts that a row chose. */
  private long chosenBytes(Routing routing, long m) {
    BitSet chosen = new BitSet();
    int[] ids = new int[routing.slots()];
    for (long row = 0; row < m; row++) {
      routing.ids().getInts(row * routing.ldIds(), ids);
      for (int id : ids) {
        if (id >= 0) { // another thread may have written since
          chosen.set(id);
        }
      }
    }
    return bytesOf(chosen.cardinality());
  }

  /** Of so many experts' weights, or of all where there are not as many. */
  private long bytesOf(long chosen) {
    return bytes / shape.experts() * Math.min(chosen, shape.experts());
  }

  /** Bytes of workspace for up to so many rows. */
  long workspaceBytes(long m, int slots) {
    Checks.size("M", m, Checks.MAX_ROWS);
    Routing.checkSlots(slots);
    acquire();
    try (Scratch result = Scratch.ofBytes(Long.BYTES)) {
      Status.check(
          Ternary.ternary_moe_workspace_bytes(
              runtime.address(), address, m, slots, result.address()));
      return result.readLong();
    } finally {
      release();
    }
  }

  long byteSize() {
    acquire();
    try {
      return bytes;
    } finally {
      release();
    }
  }

  void close() {
    owned.close();
  }
}
