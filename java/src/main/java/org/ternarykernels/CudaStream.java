package org.ternarykernels;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Cuda;
import org.ternarykernels.internal.CudaPresets;
import org.ternarykernels.internal.KeptMemory;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.Status;
import org.ternarykernels.internal.observation.DeviceFault;

/**
 * A CUDA stream: work that is given to it runs in order, while the caller goes on.
 *
 * <p>A fault of work that has been queued is thrown by the call at which CUDA tells of it, at the
 * latest by {@link #synchronize()} or {@link #close()}; CUDA then tells it again at every later
 * call, since the device cannot be used by the process any more.
 *
 * <p>Any number of threads may use a stream; the order of their work is then the order in which
 * their calls came. A stream keeps its runtime reachable, not open. Needs JavaCPP's presets, {@code
 * org.bytedeco:cuda}, on the class path.
 */
public final class CudaStream implements AutoCloseable {
  /** Hosts' memory that is kept before the stream is asked whether it needs it still. */
  private static final int KEPT = 64;

  /** Whose calls' wrong ids are told. */
  private final TernaryRuntime runtime;

  private final int device;
  private final long address;

  /** What keeps a stream alive that somebody else made. */
  private final @Nullable Object owner;

  private final NativeHandle handle;
  private final NativeHandle.Owned owned;
  private final KeptMemory kept;

  private CudaStream(
      TernaryRuntime runtime,
      int device,
      long address,
      @Nullable Object owner,
      KeptMemory kept,
      Runnable free) {
    this.runtime = runtime;
    this.kept = kept;
    this.device = device;
    this.address = address;
    this.owner = owner;
    this.owned = NativeHandle.own(this, "the stream is", free);
    this.handle = owned.handle();
  }

  /**
   * A new stream, which does not wait for the default stream.
   *
   * @param runtime whose device it is for, and whose wrong ids {@link #synchronize()} tells
   * @return the stream
   * @throws IllegalArgumentException if the runtime is null or computes on the CPU
   * @throws TernaryException if the presets are missing or CUDA refuses
   */
  public static CudaStream create(TernaryRuntime runtime) {
    int device = deviceOf(runtime);
    long address = Cuda.createStream(device);
    KeptMemory kept = new KeptMemory();
    return new CudaStream(
        runtime,
        device,
        address,
        null,
        kept,
        DeviceFault.logged(
            () -> {
              try {
                Cuda.synchronize(device, address);
              } finally {
                Cuda.destroyStream(device, address);
                kept.release();
              }
            }));
  }

  /**
   * The legacy default stream.
   *
   * @param runtime whose device it is for, and whose wrong ids {@link #synchronize()} tells
   * @return the stream; closing it does nothing to the device
   * @throws IllegalArgumentException if the runtime is null or computes on the CPU
   * @throws TernaryException if the presets are missing
   */
  public static CudaStream ofDefault(TernaryRuntime runtime) {
    return new CudaStream(runtime, deviceOf(runtime), 0, null, new KeptMemory(), () -> {});
  }

  /**
   * A stream that other code made with JavaCPP's presets.
   *
   * @param runtime whose device it is for, and whose wrong ids {@link #synchronize()} tells
   * @param stream a {@code CUstream_st}; kept reachable, and its owner's to destroy, after this
   *     object's last use
   * @return the stream; closing it does nothing to the device
   * @throws IllegalArgumentException if an argument is null, or the runtime computes on the CPU
   * @throws TernaryException if the presets are missing
   */
  public static CudaStream of(TernaryRuntime runtime, Pointer stream) {
    return ofAddress(runtime, Checks.notNull("stream", stream).address(), stream);
  }

  /**
   * A stream that other code made.
   *
   * @param runtime whose device it is for, and whose wrong ids {@link #synchronize()} tells
   * @param address the {@code cudaStream_t}, not 0; the caller vouches for it
   * @param owner what keeps the stream alive; kept reachable, may be null
   * @return the stream; closing it does nothing to the device
   * @throws IllegalArgumentException if the address is 0, the runtime is null or computes on the
   *     CPU
   * @throws TernaryException if the presets are missing
   */
  public static CudaStream ofAddress(TernaryRuntime runtime, long address, @Nullable Object owner) {
    int device = deviceOf(runtime);
    if (address == 0) {
      throw new IllegalArgumentException(
          "the stream's address is 0 (null), must be that of a stream; ofDefault() is"
              + " the default stream");
    }
    return new CudaStream(runtime, device, address, owner, new KeptMemory(), () -> {});
  }

  /** The device of a runtime that computes on a GPU, with the presets loaded. */
  static int deviceOf(TernaryRuntime runtime) {
    Checks.notNull("runtime", runtime).checkOpen();
    Device device = runtime.device();
    if (!device.isCuda()) {
      throw new IllegalArgumentException(
          "the runtime's device is the CPU, must be a GPU (builder().device(\"cuda\"))");
    }
    CudaPresets.require();
    return device.ordinal();
  }

  /**
   * Waits until everything that the stream was given has run. Then it tells that calls of {@link
   * Experts} or a {@link MoeLayer} met ids which are neither -1 nor an expert's; those contributed
   * nothing.
   *
   * <p>The calls are those of the runtime that the stream was created with, in whatever stream they
   * ran, launches of graphs included. What has been told is not told again, to no thread. Nothing
   * else that waits tells it. Once that runtime is closed, this only waits.
   *
   * @throws IllegalArgumentException if there were such ids; everything has run all the same
   * @throws IllegalStateException if the stream is closed
   * @throws TernaryException if some of it failed, or the stream is being captured
   */
  public void synchronize() {
    use(
        () -> {
          waitForWork();
          tellWrongIds();
        });
  }

  /** What {@link #synchronize()} does, without telling of ids. */
  void waitUntilIdle() {
    use(this::waitForWork);
  }

  private void waitForWork() {
    Cuda.synchronize(device, address);
    kept.release();
  }

  private void tellWrongIds() {
    if (!runtime.handle().tryEnter()) {
      return; // closed, and its count is gone
    }
    try {
      Status.check(Ternary.ternary_synchronise(runtime.address(), address));
    } finally {
      runtime.release();
    }
  }

  /**
   * Whether everything that the stream was given has run.
   *
   * @return true if so
   * @throws IllegalStateException if the stream is closed
   * @throws TernaryException if some of it failed, or the stream is being captured
   */
  public boolean isIdle() {
    boolean[] idle = new boolean[1];
    use(() -> idle[0] = Cuda.isIdle(device, address));
    return idle[0];
  }

  /**
   * Lets what the stream is given from now on wait for an event.
   *
   * @param event recorded in another stream of the same device
   * @throws IllegalArgumentException if it is null or of another device
   * @throws IllegalStateException if the stream or the event is closed
   * @throws TernaryException if CUDA refuses
   */
  public void await(CudaEvent event) {
    use(() -> Checks.notNull("event", event).waitIn(this));
  }

  /**
   * Records the work that a piece of code gives to this stream instead of running it. The code may
   * use other streams that {@link #await} an event of this one, as long as this one awaits an event
   * of theirs at the end. Calls of layers need a workspace of their own, and their buffers stay
   * allocated until the graph is closed, whoever closes them before.
   *
   * @param work gives work to the stream, in the calling thread; must not synchronise, nor allocate
   *     buffers
   * @return the graph, ready to be launched
   * @throws IllegalArgumentException if {@code work} is null
   * @throws IllegalStateException if the stream is closed or the thread captures already
   * @throws TernaryException if CUDA refuses; what {@code work} throws is passed on, and nothing
   *     has been captured then
   */
  public CudaGraph capture(Runnable work) {
    Checks.notNull("work", work);
    handle.acquire();
    DeviceCall.@Nullable Capture capture = null;
    try {
      capture = DeviceCall.beginCapture();
      long graph;
      try {
        Cuda.beginCapture(device, address);
        try {
          work.run();
        } catch (RuntimeException | Error e) {
          abandon(e);
          throw e;
        }
        graph = Cuda.endCapture(device, address);
      } finally {
        DeviceCall.endCapture();
      }
      CudaGraph result = new CudaGraph(device, graph, capture);
      capture = null; // the graph's from here on
      return result;
    } finally {
      if (capture != null) {
        capture.release();
      }
      handle.release();
      Reference.reachabilityFence(this);
    }
  }

  /** Ends a capture that is of no use any more. */
  private void abandon(Throwable reason) {
    try {
      long graph = Cuda.endCapture(device, address);
      if (graph != 0) {
        Cuda.destroyGraph(device, graph);
      }
    } catch (TernaryException e) {
      reason.addSuppressed(e);
    }
  }

  /**
   * The {@code cudaStream_t}.
   *
   * @return its address; 0 is the default stream
   */
  public long address() {
    return address;
  }

  void checkDevice(int wanted) {
    if (device != wanted) {
      throw new IllegalArgumentException(
          "the stream is of " + Cuda.device(device) + ", must be of " + Cuda.device(wanted));
    }
  }

  int device() {
    return device;
  }

  NativeHandle handle() {
    return handle;
  }

  /** Keeps host memory until the stream has been idle once. */
  void keepUntilIdle(Object memory) {
    synchronized (kept) {
      if (kept.keep(memory) % KEPT == 0 && Cuda.isIdle(device, address)) {
        kept.release();
      }
    }
  }

  private void use(Runnable code) {
    handle.acquire();
    try {
      code.run();
    } finally {
      handle.release();
      Reference.reachabilityFence(this);
      Reference.reachabilityFence(owner);
    }
  }

  /**
   * Waits for the stream's work and ends it. Closing again does nothing. Wrong ids of experts are
   * left for {@link #synchronize()} of another stream of the runtime.
   *
   * @throws TernaryException if some of the work failed
   */
  @Override
  public void close() {
    if (handle.isOpen() && !kept.isEmpty()) {
      waitUntilIdle(); // also a stream that others made, whose work reads the memory that is kept
    }
    owned.close();
  }

  @Override
  public String toString() {
    return "CudaStream[0x" + Long.toHexString(address) + " of " + Cuda.device(device) + "]";
  }
}
