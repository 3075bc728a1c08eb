package org.ternarykernels.internal;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntSupplier;
import java.util.function.LongConsumer;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudart.cudaPointerAttributes;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.ternarykernels.TernaryException;

/**
 * The CUDA runtime through JavaCPP's presets, with addresses for pointers: each call on the device
 * it belongs to, each error an exception with CUDA's name and text for it. Off the hot path:
 * products go through the library's own binding.
 *
 * <p>The presets are optional, so nothing else refers to their classes, and every way in asks
 * {@link CudaPresets#require()} first.
 */
public final class Cuda {
  private static final int OUT_OF_MEMORY = 2;

  /**
   * Room for cudaPointerAttributes, which is 88 bytes: JavaCPP would refuse memory to a process
   * larger than four heaps.
   */
  private static final int ATTRIBUTES_BYTES = 256;

  /** One a device, for as long as the process lives. */
  private static final Map<Integer, Long> OWN_STREAMS = new ConcurrentHashMap<>();

  private Cuda() {}

  public static String device(int ordinal) {
    return RuntimeSettings.cuda(ordinal);
  }

  /** Memory of a device, not initialised. */
  public static long allocate(int device, long bytes) {
    Pointer memory = new Pointer();
    on(device, "allocate " + bytes + " bytes", () -> cudart.cudaMalloc(memory, bytes));
    return memory.address();
  }

  /**
   * Frees memory; waits for work on the device that may use it. Capture by other code is not
   * disturbed.
   */
  public static void free(int device, long address) {
    on(
        cudart.cudaStreamCaptureModeRelaxed,
        device,
        "free memory",
        () -> cudart.cudaFree(pointer(address)));
  }

  public static void copy(
      int device, long target, long source, long bytes, Direction direction, long stream) {
    on(
        device,
        "copy " + bytes + " bytes",
        () ->
            cudart.cudaMemcpyAsync(
                pointer(target), pointer(source), bytes, direction.kind(), stream(stream)));
  }

  /** Fills new memory with zeros; complete on return. */
  public static void zero(int device, long target, long bytes) {
    inOwnStream(
        device,
        stream ->
            on(
                device,
                "fill " + bytes + " bytes",
                () -> cudart.cudaMemsetAsync(pointer(target), 0, bytes, stream(stream))));
  }

  /** Copies host memory to new memory; complete on return. */
  public static void upload(int device, long target, long source, long bytes) {
    inOwnStream(device, stream -> copy(device, target, source, bytes, Direction.TO_DEVICE, stream));
  }

  /** Does not touch the default stream, which other code may capture or keep busy. */
  private static void inOwnStream(int device, LongConsumer code) {
    long stream = OWN_STREAMS.computeIfAbsent(device, Cuda::createStream);
    code.accept(stream);
    synchronize(device, stream);
  }

  /**
   * Where memory lies by CUDA's account: the ordinal of a device, or -1 for memory that no device
   * owns.
   */
  public static int deviceOf(int device, long address) {
    try (Scratch memory = Scratch.ofBytes(ATTRIBUTES_BYTES)) {
      cudaPointerAttributes attributes = new cudaPointerAttributes(pointer(memory.address()));
      on(
          device,
          "ask where memory is",
          () -> cudart.cudaPointerGetAttributes(attributes, pointer(address)));
      int type = attributes.type();
      return type == cudart.cudaMemoryTypeDevice || type == cudart.cudaMemoryTypeManaged
          ? attributes.device()
          : -1;
    }
  }

  /** Memory of a device that nobody uses. */
  public static long freeBytes(int device) {
    try (Scratch memory = Scratch.ofBytes(2L * Long.BYTES)) {
      SizeTPointer free = new SizeTPointer(pointer(memory.address()));
      SizeTPointer total = new SizeTPointer(pointer(memory.address() + Long.BYTES));
      on(device, "ask for its free memory", () -> cudart.cudaMemGetInfo(free, total));
      return free.get();
    }
  }

  public static long createStream(int device) {
    CUstream_st stream = new CUstream_st();
    on(
        device,
        "create a stream",
        () -> cudart.cudaStreamCreateWithFlags(stream, cudart.cudaStreamNonBlocking));
    return stream.address();
  }

  public static void destroyStream(int device, long stream) {
    on(device, "destroy a stream", () -> cudart.cudaStreamDestroy(stream(stream)));
  }

  public static void synchronize(int device, long stream) {
    on(device, "wait for a stream", () -> cudart.cudaStreamSynchronize(stream(stream)));
  }

  public static boolean isIdle(int device, long stream) {
    return ready(device, "ask a stream", () -> cudart.cudaStreamQuery(stream(stream)));
  }

  public static void beginCapture(int device, long stream) {
    // Of this thread alone: what other threads do meanwhile is their own affair.
    on(
        device,
        "begin the capture of a stream",
        () ->
            cudart.cudaStreamBeginCapture(stream(stream), cudart.cudaStreamCaptureModeThreadLocal));
  }

  public static long endCapture(int device, long stream) {
    CUgraph_st graph = new CUgraph_st();
    on(
        device,
        "end the capture of a stream",
        () -> cudart.cudaStreamEndCapture(stream(stream), graph));
    return graph.address();
  }

  public static long instantiate(int device, long graph) {
    CUgraphExec_st executable = new CUgraphExec_st();
    on(
        device,
        "instantiate a graph",
        () -> cudart.cudaGraphInstantiate(executable, new CUgraph_st(pointer(graph)), 0));
    return executable.address();
  }

  public static void destroyGraph(int device, long graph) {
    on(device, "destroy a graph", () -> cudart.cudaGraphDestroy(new CUgraph_st(pointer(graph))));
  }

  public static void destroyExecutable(int device, long executable) {
    on(
        device,
        "destroy a graph",
        () -> cudart.cudaGraphExecDestroy(new CUgraphExec_st(pointer(executable))));
  }

  public static void launch(int device, long executable, long stream) {
    on(
        device,
        "launch a graph",
        () -> cudart.cudaGraphLaunch(new CUgraphExec_st(pointer(executable)), stream(stream)));
  }

  public static long createEvent(int device) {
    CUevent_st event = new CUevent_st();
    on(
        device,
        "create an event",
        () -> cudart.cudaEventCreateWithFlags(event, cudart.cudaEventDefault));
    return event.address();
  }

  public static void destroyEvent(int device, long event) {
    on(device, "destroy an event", () -> cudart.cudaEventDestroy(event(event)));
  }

  public static void record(int device, long event, long stream) {
    on(device, "record an event", () -> cudart.cudaEventRecord(event(event), stream(stream)));
  }

  public static void await(int device, long event, long stream) {
    on(
        device,
        "make a stream wait for an event",
        () -> cudart.cudaStreamWaitEvent(stream(stream), event(event), 0));
  }

  public static void synchronizeEvent(int device, long event) {
    on(device, "wait for an event", () -> cudart.cudaEventSynchronize(event(event)));
  }

  public static boolean isDone(int device, long event) {
    return ready(device, "ask an event", () -> cudart.cudaEventQuery(event(event)));
  }

  public static float millis(int device, long start, long end) {
    float[] millis = new float[1];
    on(
        device,
        "measure the time between events",
        () -> cudart.cudaEventElapsedTime(millis, event(start), event(end)));
    return millis[0];
  }

  /** Which way a copy goes; said, so that CUDA refuses an address of the other side. */
  public enum Direction {
    TO_DEVICE,
    TO_HOST,
    ON_DEVICE;

    private int kind() {
      return switch (this) {
        case TO_DEVICE -> cudart.cudaMemcpyHostToDevice;
        case TO_HOST -> cudart.cudaMemcpyDeviceToHost;
        case ON_DEVICE -> cudart.cudaMemcpyDeviceToDevice;
      };
    }
  }

  private static boolean ready(int device, String what, IntSupplier call) {
    boolean[] ready = {true};
    on(
        device,
        what,
        () -> {
          int error = call.getAsInt();
          ready[0] = error != cudart.cudaErrorNotReady;
          if (!ready[0]) {
            cudart.cudaGetLastError(); // an answer, not an error of a later call
            return cudart.cudaSuccess;
          }
          return error;
        });
    return ready[0];
  }

  /**
   * Makes a call on a device and leaves the thread's current device as it was. What another thread
   * captures meanwhile is not disturbed; what this thread captures forbids what is unsafe there.
   */
  private static void on(int device, String what, IntSupplier call) {
    on(cudart.cudaStreamCaptureModeThreadLocal, device, what, call);
  }

  /** The same in another mode of capture. */
  private static void on(int captureMode, int device, String what, IntSupplier call) {
    int[] mode = {captureMode};
    boolean exchanged = cudart.cudaThreadExchangeStreamCaptureMode(mode) == cudart.cudaSuccess;
    try {
      onCurrent(device, what, call);
    } finally {
      if (exchanged) {
        cudart.cudaThreadExchangeStreamCaptureMode(mode);
      }
    }
  }

  private static void onCurrent(int device, String what, IntSupplier call) {
    int[] before = new int[1];
    check(device, what, cudart.cudaGetDevice(before));
    if (before[0] == device) {
      check(device, what, call.getAsInt());
      return;
    }
    check(device, what, cudart.cudaSetDevice(device));
    try {
      check(device, what, call.getAsInt());
    } finally {
      cudart.cudaSetDevice(before[0]);
    }
  }

  private static void check(int device, String what, int error) {
    if (error != cudart.cudaSuccess) {
      cudart.cudaGetLastError(); // told here: a later call shall not tell it again (sticky errors
      // stay all the same)
      throw new TernaryException(
          device(device)
              + " cannot "
              + what
              + ": "
              + (error == OUT_OF_MEMORY ? "no memory, " : "")
              + cudart.cudaGetErrorName(error).getString()
              + " ("
              + cudart.cudaGetErrorString(error).getString()
              + ")");
    }
  }

  private static Pointer pointer(long address) {
    return new Address(address);
  }

  private static CUstream_st stream(long address) {
    return new CUstream_st(pointer(address));
  }

  private static CUevent_st event(long address) {
    return new CUevent_st(pointer(address));
  }

  /** Opens the protected field of a pointer; owns nothing. */
  private static final class Address extends Pointer {
    Address(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }
}
