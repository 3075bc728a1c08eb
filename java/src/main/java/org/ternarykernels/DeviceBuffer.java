package org.ternarykernels;

import java.lang.ref.Reference;
import java.nio.Buffer;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Cuda;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.observation.DeviceFault;

/**
 * Memory of a GPU that holds elements of one type: the operands of asynchronous products. As with
 * {@link TernaryBuffer}, rows and strides are given with each call.
 *
 * <p>Copies are given to a stream and run in its order; {@link CudaStream#synchronize()} waits for
 * them. Host memory must not be written, or read where it is the target, before that; it is kept
 * reachable until then. CUDA copies ordinary memory before the call returns; only page-locked
 * memory that other code allocated is copied while the caller goes on.
 *
 * <p>A buffer that is closed frees its memory once calls of other threads have returned and the
 * device has finished the work that it was given. Views share the memory: closing the whole ends
 * their use. Any number of threads may use one buffer; who writes when is decided by streams and
 * events. Needs JavaCPP's presets, {@code org.bytedeco:cuda}, on the class path.
 */
public final class DeviceBuffer extends Operand implements AutoCloseable {
  private final int device;
  private final long address;
  private final long bytes;
  private final DataType type;

  /**
   * What keeps the memory: the whole that this is a view of, or the owner of memory that other code
   * allocated.
   */
  @SuppressWarnings("UnusedVariable") // it is reachable as long as this is
  private final @Nullable Object owner;

  private final NativeHandle handle;

  /** Null for a view. */
  private final NativeHandle.@Nullable Owned owned;

  private volatile boolean viewClosed;

  private DeviceBuffer(
      int device, long address, long bytes, DataType type, @Nullable Object owner, Runnable free) {
    this.device = device;
    this.address = address;
    this.bytes = bytes;
    this.type = type;
    this.owner = owner;
    this.owned = NativeHandle.own(this, "the device buffer is", free);
    this.handle = owned.handle();
  }

  private DeviceBuffer(DeviceBuffer whole, long address, long bytes) {
    this.device = whole.device;
    this.address = address;
    this.bytes = bytes;
    this.type = whole.type;
    this.owner = whole;
    this.handle = whole.handle;
    this.owned = null;
  }

  /**
   * New zeroed memory of the runtime's device, aligned to 256 bytes. The buffer may outlive the
   * runtime.
   *
   * @param runtime that computes on a GPU
   * @param type the type of the elements
   * @param elements how many, at least 1
   * @return the buffer
   * @throws IllegalArgumentException if an argument breaks a rule, or the runtime computes on the
   *     CPU
   * @throws TernaryException if there is no memory, the presets are missing or the thread captures
   *     a graph
   */
  public static DeviceBuffer allocate(TernaryRuntime runtime, DataType type, long elements) {
    int device = CudaStream.deviceOf(runtime);
    Checks.notNull("type", type);
    long bytes =
        Checks.multiply(
            Checks.atLeast("elements", elements, 1), type.bytes(), "the bytes of the buffer");
    long address = Cuda.allocate(device, bytes);
    DeviceBuffer buffer =
        new DeviceBuffer(
            device,
            address,
            bytes,
            type,
            null,
            DeviceFault.logged(() -> Cuda.free(device, address)));
    try {
      Cuda.zero(device, address, bytes);
    } catch (TernaryException e) {
      buffer.closeAfter(e);
      throw e;
    }
    return buffer;
  }

  /**
   * New memory with a copy of host memory, which is complete on return.
   *
   * @param runtime that computes on a GPU
   * @param host to copy
   * @return the buffer, of the same type and number of elements
   * @throws IllegalArgumentException if an argument is null, the host's memory has no element or
   *     the runtime computes on the CPU
   * @throws TernaryException as for {@link #allocate}
   */
  public static DeviceBuffer copyOf(TernaryRuntime runtime, TernaryBuffer host) {
    Checks.notNull("host", host).checkAlive("host");
    if (host.isSegment()) {
      try (TernaryBuffer copy = host.copy()) {
        return copyOf(runtime, copy);
      }
    }
    host.acquire();
    try {
      DeviceBuffer buffer = allocate(runtime, host.dataType(), host.elements());
      try {
        Cuda.upload(buffer.device, buffer.address, host.address(), buffer.bytes);
        return buffer;
      } catch (TernaryException e) {
        buffer.closeAfter(e);
        throw e;
      }
    } finally {
      host.release();
    }
  }

  /**
   * A view of device memory that other code allocated, for example of a JavaCPP pointer.
   *
   * @param runtime that computes on a GPU
   * @param address of the first byte, aligned to the element size
   * @param bytes that may be used from there; the caller vouches for them
   * @param type the type of the elements
   * @param owner what keeps the memory alive; kept reachable, may be null
   * @return the buffer; closing it does not free the memory
   * @throws IllegalArgumentException if an argument breaks a rule, or CUDA does not know the
   *     address as memory of the runtime's device
   * @throws TernaryException if the presets are missing or CUDA refuses
   */
  public static DeviceBuffer ofAddress(
      TernaryRuntime runtime, long address, long bytes, DataType type, @Nullable Object owner) {
    int device = CudaStream.deviceOf(runtime);
    Checks.notNull("type", type);
    String place = "the address 0x" + Long.toHexString(address);
    if (address == 0) {
      throw new IllegalArgumentException("the address is 0 (null), must be that of device memory");
    }
    if (bytes < type.bytes() || Long.compareUnsigned(address + bytes, address) < 0) {
      throw new IllegalArgumentException(
          "the size is "
              + bytes
              + " bytes at address 0x"
              + Long.toHexString(address)
              + ", must be at least that of an element and end within the address space");
    }
    if (address % type.bytes() != 0) {
      throw new IllegalArgumentException(
          place + " is misaligned for " + type + ", must be a multiple of " + type.bytes());
    }
    int actual = Cuda.deviceOf(device, address);
    if (actual != device) {
      throw new IllegalArgumentException(
          place
              + " is "
              + (actual < 0 ? "not memory of a GPU" : "memory of " + Cuda.device(actual))
              + ", must be memory of "
              + Cuda.device(device));
    }
    return new DeviceBuffer(device, address, bytes, type, owner, () -> {});
  }

  /**
   * A view of a part of this one's memory.
   *
   * @param from first element
   * @param elements how many, at least 1
   * @return a new view; closing it does nothing to the whole
   * @throws IllegalArgumentException if the part is not within this buffer
   * @throws IllegalStateException if this buffer is closed
   */
  public DeviceBuffer slice(long from, long elements) {
    checkRange(from, Checks.atLeast("elements", elements, 1));
    return new DeviceBuffer(this, address + from * type.bytes(), elements * type.bytes());
  }

  /**
   * Copies host memory to this buffer, in a stream's order. A memory segment is copied before this
   * returns; other memory is read later.
   *
   * @param host of the same type and number of elements
   * @param stream of the same device
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if this buffer or the stream is closed
   * @throws TernaryException if CUDA refuses
   */
  public void copyFrom(TernaryBuffer host, CudaStream stream) {
    Checks.notNull("host", host).checkAlive("host");
    checkLike("host", host);
    if (host.isSegment()) {
      try (TernaryBuffer copy = host.copy()) {
        copyFrom(copy, stream);
      }
      return;
    }
    copyHost(host, Cuda.Direction.TO_DEVICE, stream);
  }

  /**
   * Copies a direct buffer to this one, as {@link #copyFrom(TernaryBuffer, CudaStream)}.
   *
   * @param host as for {@link TernaryBuffer#of(Buffer, DataType)} with this buffer's type
   * @param stream as there
   * @throws IllegalArgumentException as there
   * @throws IllegalStateException as there
   * @throws TernaryException as there
   */
  public void copyFrom(Buffer host, CudaStream stream) {
    copyFrom(TernaryBuffer.of(host, type), stream);
  }

  /**
   * Copies another buffer of the same device to this one, in a stream's order.
   *
   * @param source of the same type and number of elements, which does not overlap this one
   * @param stream of the same device
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if a buffer or the stream is closed
   * @throws TernaryException if CUDA refuses
   */
  public void copyFrom(DeviceBuffer source, CudaStream stream) {
    Checks.notNull("source", source).checkAlive("source");
    checkLike("source", source);
    Operands.disjoint("the device buffer", this, bytes, "source", source, bytes);
    copy(
        stream,
        source,
        () ->
            Cuda.copy(
                device,
                address,
                source.address,
                bytes,
                Cuda.Direction.ON_DEVICE,
                stream.address()));
    Reference.reachabilityFence(source);
  }

  /**
   * Copies this buffer to host memory, in a stream's order. Where that is a memory segment, this
   * waits for the stream.
   *
   * @param host of the same type and number of elements
   * @param stream of the same device
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if this buffer or the stream is closed
   * @throws TernaryException if CUDA refuses
   */
  public void copyTo(TernaryBuffer host, CudaStream stream) {
    Checks.notNull("host", host).checkAlive("host");
    host.checkWritable("host");
    checkLike("host", host);
    if (host.isSegment()) {
      copyToSegment(host, stream);
      return;
    }
    copyHost(host, Cuda.Direction.TO_HOST, stream);
  }

  /**
   * Copies this buffer to a direct buffer, as {@link #copyTo(TernaryBuffer, CudaStream)}.
   *
   * @param host as for {@link TernaryBuffer#of(Buffer, DataType)} with this buffer's type
   * @param stream as there
   * @throws IllegalArgumentException as there
   * @throws IllegalStateException as there
   * @throws TernaryException as there
   */
  public void copyTo(Buffer host, CudaStream stream) {
    copyTo(TernaryBuffer.of(host, type), stream);
  }

  /** Queues a copy from or to host memory that is no segment's, and keeps that until it has run. */
  private void copyHost(TernaryBuffer host, Cuda.Direction direction, CudaStream stream) {
    boolean toHost = direction == Cuda.Direction.TO_HOST;
    host.acquire();
    try {
      long target = toHost ? host.address() : address;
      long source = toHost ? address : host.address();
      copy(
          stream,
          null,
          () -> {
            Cuda.copy(device, target, source, bytes, direction, stream.address());
            DeviceCall.keepHost(host.owner(), stream);
          });
    } finally {
      host.release();
    }
  }

  private void copyToSegment(TernaryBuffer host, CudaStream stream) {
    if (DeviceCall.isCapturing()) {
      throw new IllegalStateException(
          "host is a memory segment, must not be while a graph is captured: its arena may close"
              + " before a launch");
    }
    try (TernaryBuffer copy = TernaryBuffer.allocate(type, elements())) {
      copyTo(copy, stream);
      stream.waitUntilIdle();
      host.put(copy);
    }
  }

  private void checkLike(String name, Operand other) {
    if (other.dataType() != type || other.elements() != elements()) {
      throw new IllegalArgumentException(
          name
              + " has "
              + other.elements()
              + " elements of type "
              + other.dataType()
              + ", must have "
              + elements()
              + " of type "
              + type
              + " like the device buffer");
    }
  }

  private void copy(CudaStream stream, @Nullable DeviceBuffer source, Runnable code) {
    DeviceCall call = DeviceCall.begin(device, stream, null);
    try {
      call.use("the device buffer", this);
      call.use("source", source);
      code.run();
    } finally {
      call.end(stream, null);
      Reference.reachabilityFence(this);
    }
  }

  /** Where the memory starts, on the device. */
  @Override
  public long address() {
    return address;
  }

  @Override
  public long byteSize() {
    return bytes;
  }

  @Override
  public DataType dataType() {
    return type;
  }

  /**
   * The device that has the memory.
   *
   * @return its ordinal
   */
  public int device() {
    return device;
  }

  NativeHandle handle() {
    return handle;
  }

  @Override
  void checkAlive(String name) {
    if (viewClosed || !handle.isOpen()) {
      throw new IllegalStateException(name + " is a device buffer that is closed, must be open");
    }
  }

  @Override
  void checkWritable(String name) {}

  private void closeAfter(TernaryException reason) {
    try {
      close();
    } catch (TernaryException e) {
      reason.addSuppressed(e);
    }
  }

  /**
   * Ends the buffer's use and, unless it is a view, frees its memory. Closing again does nothing.
   *
   * @throws TernaryException if the device reports a fault of earlier work
   */
  @Override
  public void close() {
    if (owned == null) {
      viewClosed = true;
    } else {
      owned.close();
    }
  }

  @Override
  public String toString() {
    return "DeviceBuffer["
        + elements()
        + " x "
        + type
        + " at 0x"
        + Long.toHexString(address)
        + " of "
        + Cuda.device(device)
        + "]";
  }
}
