package org.ternarykernels;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.Status;
import org.ternarykernels.internal.observation.CallRecord;
import org.ternarykernels.internal.observation.FlightRecording;

/**
 * What a runtime does with experts besides layers: {@link Experts} has it for users. Operands have
 * been checked; they and the runtime are acquired here.
 */
final class ExpertOperations {
  private final TernaryRuntime runtime;

  ExpertOperations(TernaryRuntime runtime) {
    this.runtime = runtime;
  }

  void route(Router router, TernaryBuffer x, long ldx, Routing routing, long m) {
    runtime.acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRouteCall.route(runtime.address(), router, x, ldx, routing, m);
      tellRoute(record, router, x, routing, m);
    } finally {
      release();
    }
  }

  void route(
      Router router,
      DeviceBuffer x,
      long ldx,
      Routing routing,
      long m,
      CudaStream stream,
      @Nullable DeviceBuffer workspace) {
    DeviceCall call = begin(stream, workspace);
    try {
      call.use("x", x);
      call.use("the router's matrix", Operands.device(router.matrix));
      call.use("the router's bias", Operands.device(router.bias));
      call.use("correctionBias", Operands.device(router.correctionBias));
      use(call, routing);
      CallRecord record = FlightRecording.beginCall();
      NativeRouteCall.startRoute(runtime.address(), call, router, x, ldx, routing, m);
      tellRoute(record, router, x, routing, m);
    } finally {
      end(call, stream, workspace);
      Reference.reachabilityFence(x);
      Reference.reachabilityFence(router);
      Reference.reachabilityFence(routing);
    }
  }

  private void tellRoute(
      @Nullable CallRecord record, Router router, Operand x, Routing routing, long m) {
    long read = m * router.inputColumns() * x.dataType().bytes() + router.matrixBytes();
    long k = router.columns();
    runtime.tell(record, "route", m, router.experts(), k, read, routing.bytes(m));
  }

  long routeWorkspaceBytes(long m, long experts) {
    runtime.acquire();
    try (Scratch bytes = Scratch.ofBytes(Long.BYTES)) {
      Status.check(
          Ternary.ternary_route_workspace_bytes(runtime.address(), m, experts, bytes.address()));
      return bytes.readLong();
    } finally {
      release();
    }
  }

  void align(Routing routing, long experts, TernaryBuffer slots, TernaryBuffer offsets, long m) {
    runtime.acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeRouteCall.align(runtime.address(), routing, experts, slots, offsets, m);
      tellAlign(record, routing, experts, m);
    } finally {
      release();
    }
  }

  void align(
      Routing routing,
      long experts,
      DeviceBuffer slots,
      DeviceBuffer offsets,
      long m,
      CudaStream stream) {
    DeviceCall call = begin(stream, null);
    try {
      use(call, routing);
      call.use("slots", slots);
      call.use("offsets", offsets);
      holdCountOfWrongIds(call);
      CallRecord record = FlightRecording.beginCall();
      NativeRouteCall.startAlign(runtime.address(), call, routing, experts, slots, offsets, m);
      tellAlign(record, routing, experts, m);
    } finally {
      end(call, stream, null);
      Reference.reachabilityFence(routing);
      Reference.reachabilityFence(slots);
      Reference.reachabilityFence(offsets);
    }
  }

  private void tellAlign(@Nullable CallRecord record, Routing routing, long experts, long m) {
    long read = m * routing.slots() * Integer.BYTES;
    runtime.tell(record, "align", m, experts, 0, read, read + (experts + 1) * Integer.BYTES);
  }

  void combine(
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
    runtime.acquire();
    try {
      CallRecord record = FlightRecording.beginCall();
      NativeCombineCall.combine(
          runtime.address(),
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
          m);
      tellCombine(record, d, routing, h, residual, y, m);
    } finally {
      release();
    }
  }

  void combine(
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
      long m,
      CudaStream stream) {
    DeviceCall call = begin(stream, null);
    try {
      call.use("d", d);
      use(call, routing);
      call.use("residual", residual);
      call.use("residualOut", residualOut);
      call.use("y", y);
      holdCountOfWrongIds(call);
      CallRecord record = FlightRecording.beginCall();
      NativeCombineCall.startCombine(
          runtime.address(),
          call,
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
          m);
      tellCombine(record, d, routing, h, residual, y, m);
    } finally {
      end(call, stream, null);
      Reference.reachabilityFence(d);
      Reference.reachabilityFence(routing);
      Reference.reachabilityFence(residual);
      Reference.reachabilityFence(residualOut);
      Reference.reachabilityFence(y);
    }
  }

  private void tellCombine(
      @Nullable CallRecord record,
      Operand d,
      Routing routing,
      long h,
      @Nullable Operand residual,
      Operand y,
      long m) {
    long sum = residual == null ? 0 : m * h * residual.dataType().bytes();
    long read = m * routing.slots() * h * d.dataType().bytes() + sum;
    runtime.tell(record, "combine", m, h, 0, read, m * h * y.dataType().bytes() + sum);
  }

  /** Acquires the runtime and begins a call of its GPU; {@link #end} must follow. */
  private DeviceCall begin(CudaStream stream, @Nullable DeviceBuffer workspace) {
    runtime.acquire();
    try {
      return DeviceCall.begin(runtime.device(), stream, workspace);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  private static void use(DeviceCall call, Routing routing) {
    call.use("ids", Operands.device(routing.ids));
    call.use("weights", Operands.device(routing.weights));
  }

  /** Kernels count wrong ids in memory of the runtime: a graph of them keeps the runtime. */
  private void holdCountOfWrongIds(DeviceCall call) {
    call.hold(runtime.handle());
  }

  private void end(DeviceCall call, CudaStream stream, @Nullable DeviceBuffer workspace) {
    call.end(stream, workspace);
    release();
  }

  private void release() {
    runtime.release();
    Reference.reachabilityFence(runtime);
  }
}
