package org.ternarykernels;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Cuda;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.observation.DeviceFault;

/**
 * Work that {@link CudaStream#capture} recorded, to be launched as often as wanted with one call
 * each. It keeps the buffers and layers that it uses: closing them before the graph is safe. So is
 * closing the runtime of calls of {@link Experts} and {@link MoeLayer}s. Launches of one graph
 * never overlap.
 */
public final class CudaGraph implements AutoCloseable {
  private final int device;
  private final long executable;
  private final NativeHandle handle;
  private final NativeHandle.Owned owned;
  private final LastStream last = new LastStream();

  /**
   * Takes the graph, which it destroys, and what the capture kept, which it releases when it is
   * closed.
   */
  CudaGraph(int device, long graph, DeviceCall.Capture capture) {
    this.device = device;
    try {
      this.executable = Cuda.instantiate(device, graph);
    } finally {
      Cuda.destroyGraph(device, graph);
    }
    this.owned = NativeHandle.own(this, "the graph is", freeing(device, executable, capture, last));
    this.handle = owned.handle();
  }

  /** The stream of the last launch: what a graph uses must not go before that has run. */
  private static final class LastStream {
    private @Nullable CudaStream stream;

    synchronized void set(CudaStream next) {
      stream = next;
    }

    synchronized void synchronize() {
      try {
        if (stream != null) {
          stream.waitUntilIdle();
        }
      } catch (IllegalStateException e) {
        // Closed, and so it has waited.
      }
    }
  }

  /** Static, so that the cleaning action cannot capture the graph. */
  private static Runnable freeing(
      int device, long executable, DeviceCall.Capture capture, LastStream last) {
    return DeviceFault.logged(
        () -> {
          try {
            last.synchronize();
          } finally {
            try {
              Cuda.destroyExecutable(device, executable);
            } finally {
              capture.release();
            }
          }
        });
  }

  /**
   * Gives the recorded work to a stream.
   *
   * @param stream of the same device, which need not be the one that was captured
   * @throws IllegalArgumentException if it is null or of another device
   * @throws IllegalStateException if the stream or the graph is closed
   * @throws TernaryException if CUDA refuses
   */
  public void launch(CudaStream stream) {
    Checks.notNull("stream", stream).checkDevice(device);
    handle.acquire();
    try {
      stream.handle().acquire();
      try {
        last.set(stream);
        Cuda.launch(device, executable, stream.address());
      } finally {
        stream.handle().release();
      }
    } finally {
      handle.release();
      Reference.reachabilityFence(this);
      Reference.reachabilityFence(stream);
    }
  }

  /**
   * Waits for the last launch and ends the graph. Closing again does nothing.
   *
   * @throws TernaryException if the work failed
   */
  @Override
  public void close() {
    owned.close();
  }
}
