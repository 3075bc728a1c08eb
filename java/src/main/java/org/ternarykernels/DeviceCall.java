package org.ternarykernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Cuda;
import org.ternarykernels.internal.KeptMemory;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.NativeMemory;

/**
 * An asynchronous call while it is made: the {@code ternary_cuda_call} that native code reads, and
 * the handles that must not go before native code has queued the work. One a thread and reused, so
 * that a call allocates nothing.
 *
 * <p>What is freed later waits for the device, so queued work needs no handles; a graph does, since
 * it can run again: while the thread captures one, what its calls use is kept for the graph.
 */
final class DeviceCall {
  private static final ThreadLocal<DeviceCall> OF_THREAD = ThreadLocal.withInitial(DeviceCall::new);
  private static final int STRUCT_BYTES = 3 * Long.BYTES;

  /**
   * A layer of experts: x, xScale, ids, weights, residual, residualOut, y, workspace, stream,
   * layer, runtime. No other call has more.
   */
  private static final int MOST_HANDLES = 11;

  private final long address;
  private final ByteBuffer struct;
  private final NativeHandle[] held = new NativeHandle[MOST_HANDLES];
  private int heldCount;
  private boolean busy;
  private int device;

  /** What the thread's capture keeps; null while it captures nothing. */
  private @Nullable Capture capture;

  private DeviceCall() {
    NativeMemory memory = NativeMemory.allocate(STRUCT_BYTES);
    address = memory.address();
    struct = NativeMemory.view(address, STRUCT_BYTES);
    NativeHandle.own(this, "the call is", memory::free);
  }

  /** What a graph must keep as long as it can be launched. */
  static final class Capture {
    private final List<NativeHandle> handles = new ArrayList<>();
    private final KeptMemory memory = new KeptMemory();

    private void keep(NativeHandle handle) {
      handle.acquire();
      handles.add(handle);
    }

    void release() {
      handles.forEach(NativeHandle::release);
      handles.clear();
      memory.release();
    }
  }

  /** Begins a call of a runtime; {@link #end} must follow. */
  static DeviceCall begin(Device device, CudaStream stream, @Nullable DeviceBuffer workspace) {
    if (!device.isCuda()) {
      throw new TernaryException(
          "the runtime's device is the CPU, must be a GPU for device buffers"
              + " (builder().device(\"cuda\"))");
    }
    return begin(device.ordinal(), stream, workspace);
  }

  /** Begins a call on a GPU; {@link #end} must follow. */
  static DeviceCall begin(int device, CudaStream stream, @Nullable DeviceBuffer workspace) {
    Checks.notNull("stream", stream);
    DeviceCall call = OF_THREAD.get();
    if (call.busy) { // a logger that computes on the GPU when it is told of a fallback
      Capture capture = call.capture;
      call = new DeviceCall();
      call.capture = capture;
    }
    call.busy = true;
    call.device = device;
    try {
      stream.checkDevice(device);
      stream.handle().acquire(); // not kept for a graph, which may be launched elsewhere
      call.held[call.heldCount++] = stream.handle();
      call.use("workspace", workspace);
      call.struct.putLong(0, stream.address());
      call.struct.putLong(Long.BYTES, workspace == null ? 0 : workspace.address());
      call.struct.putLong(2 * Long.BYTES, workspace == null ? 0 : workspace.byteSize());
      return call;
    } catch (RuntimeException e) {
      call.end(stream, workspace);
      throw e;
    }
  }

  /** Holds a buffer, which may be null, until the end. */
  void use(String name, @Nullable DeviceBuffer buffer) {
    if (buffer == null) {
      return;
    }
    if (buffer.device() != device) {
      throw new IllegalArgumentException(
          name
              + " is memory of "
              + Cuda.device(buffer.device())
              + ", must be of "
              + Cuda.device(device)
              + " like the runtime");
    }
    buffer.checkAlive(name);
    hold(buffer.handle());
  }

  void hold(NativeHandle handle) {
    handle.acquire();
    held[heldCount++] = handle;
    if (capture != null) {
      capture.keep(handle);
    }
  }

  /** The address of the {@code ternary_cuda_call}. */
  long address() {
    return address;
  }

  /** Ends the call, with what it was begun with: their owners are not collected before. */
  void end(CudaStream stream, @Nullable DeviceBuffer workspace) {
    while (heldCount > 0) {
      held[--heldCount].release();
      held[heldCount] = null;
    }
    busy = false;
    Reference.reachabilityFence(stream);
    Reference.reachabilityFence(workspace);
  }

  /**
   * Keeps host memory until the stream's work that uses it has run: for the graph, or for the
   * stream.
   */
  static void keepHost(@Nullable Object owner, CudaStream stream) {
    if (owner == null) {
      return;
    }
    Capture capture = OF_THREAD.get().capture;
    if (capture == null) {
      stream.keepUntilIdle(owner);
    } else {
      capture.memory.keep(owner);
    }
  }

  /** Whether the thread captures a graph. */
  static boolean isCapturing() {
    return OF_THREAD.get().capture != null;
  }

  /** From now on what the thread's calls use is kept. */
  static Capture beginCapture() {
    DeviceCall call = OF_THREAD.get();
    if (call.capture != null) {
      throw new IllegalStateException(
          "this thread captures a graph already, must capture one at a time");
    }
    call.capture = new Capture();
    return call.capture;
  }

  static void endCapture() {
    OF_THREAD.get().capture = null;
  }
}
