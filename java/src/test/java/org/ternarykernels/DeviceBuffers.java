package org.ternarykernels;

import java.util.ArrayList;
import java.util.List;

/** The device buffers of a test, which are closed together. */
final class DeviceBuffers implements AutoCloseable {
  private final TernaryRuntime runtime;
  private final CudaStream stream;
  private final List<DeviceBuffer> open = new ArrayList<>();

  DeviceBuffers(TernaryRuntime runtime, CudaStream stream) {
    this.runtime = runtime;
    this.stream = stream;
  }

  DeviceBuffer of(TernaryBuffer host) {
    return add(DeviceBuffer.copyOf(runtime, host));
  }

  DeviceBuffer of(DataType type, long elements) {
    return add(DeviceBuffer.allocate(runtime, type, elements));
  }

  /** Null of none. */
  DeviceBuffer ofNullable(TernaryBuffer host) {
    return host == null ? null : of(host);
  }

  /** A routing with the values of one in host memory. */
  Routing of(Routing host) {
    return Routing.of(
        of(host.ids()), host.ldIds(), ofNullable(host.weights()), host.ldWeights(), host.slots());
  }

  private DeviceBuffer add(DeviceBuffer buffer) {
    open.add(buffer);
    return buffer;
  }

  /** What is in a buffer, once its stream has run. */
  TernaryBuffer read(DeviceBuffer buffer) {
    TernaryBuffer host = TernaryBuffer.allocate(buffer.dataType(), buffer.elements());
    buffer.copyTo(host, stream);
    stream.synchronize();
    return host;
  }

  int[] readInts(DeviceBuffer buffer) {
    return read(buffer).toInts();
  }

  @Override
  public void close() {
    stream.synchronize();
    open.forEach(DeviceBuffer::close);
    open.clear();
  }
}
