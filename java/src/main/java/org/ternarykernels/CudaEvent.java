package org.ternarykernels;

import java.lang.ref.Reference;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Cuda;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.observation.DeviceFault;

/**
 * A point in the work of a {@link CudaStream}: other streams can wait for it, and the time between
 * two of them is measured by the device. Any number of threads may use one.
 */
public final class CudaEvent implements AutoCloseable {
  private final int device;
  private final long address;
  private final NativeHandle handle;
  private final NativeHandle.Owned owned;

  private CudaEvent(int device, long address) {
    this.device = device;
    this.address = address;
    this.owned =
        NativeHandle.own(
            this, "the event is", DeviceFault.logged(() -> Cuda.destroyEvent(device, address)));
    this.handle = owned.handle();
  }

  /**
   * A new event that measures time.
   *
   * @param runtime whose device it is for
   * @return the event
   * @throws IllegalArgumentException if the runtime is null or computes on the CPU
   * @throws TernaryException if the presets are missing or CUDA refuses
   */
  public static CudaEvent create(TernaryRuntime runtime) {
    int device = CudaStream.deviceOf(runtime);
    return new CudaEvent(device, Cuda.createEvent(device));
  }

  /**
   * Puts the event behind what a stream has been given so far; an earlier place is forgotten.
   *
   * @param stream of the same device
   * @throws IllegalArgumentException if it is null or of another device
   * @throws IllegalStateException if the stream or the event is closed
   * @throws TernaryException if CUDA refuses
   */
  public void record(CudaStream stream) {
    Checks.notNull("stream", stream).checkDevice(device);
    stream.handle().acquire();
    try {
      use(() -> Cuda.record(device, address, stream.address()));
    } finally {
      stream.handle().release();
      Reference.reachabilityFence(stream);
    }
  }

  /** The stream is acquired. */
  void waitIn(CudaStream stream) {
    stream.checkDevice(device);
    use(() -> Cuda.await(device, address, stream.address()));
  }

  /**
   * Waits until the work before the event has run.
   *
   * @throws IllegalStateException if the event is closed
   * @throws TernaryException if some of it failed
   */
  public void synchronize() {
    use(() -> Cuda.synchronizeEvent(device, address));
  }

  /**
   * Whether the work before the event has run.
   *
   * @return true if so, and if the event was never recorded
   * @throws IllegalStateException if the event is closed
   * @throws TernaryException if some of it failed
   */
  public boolean isDone() {
    boolean[] done = new boolean[1];
    use(() -> done[0] = Cuda.isDone(device, address));
    return done[0];
  }

  /**
   * The device's time from another event to this one; both have been recorded, and their work has
   * run.
   *
   * @param start the earlier event, of the same device
   * @return milliseconds
   * @throws IllegalArgumentException if it is null or of another device
   * @throws IllegalStateException if an event is closed
   * @throws TernaryException if CUDA refuses, for example because an event was never recorded
   */
  public float millisSince(CudaEvent start) {
    if (Checks.notNull("start", start).device != device) {
      throw new IllegalArgumentException(
          "start is of " + Cuda.device(start.device) + ", must be of " + Cuda.device(device));
    }
    float[] millis = new float[1];
    start.use(() -> use(() -> millis[0] = Cuda.millis(device, start.address, address)));
    return millis[0];
  }

  private void use(Runnable code) {
    handle.acquire();
    try {
      code.run();
    } finally {
      handle.release();
      Reference.reachabilityFence(this);
    }
  }

  /** Ends the event; streams that wait for it still do. Closing again does nothing. */
  @Override
  public void close() {
    owned.close();
  }
}
