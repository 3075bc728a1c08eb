package org.ternarykernels.tool.hybrid;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.CudaEvent;
import org.ternarykernels.CudaGraph;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.bench.Workload;
import org.ternarykernels.tool.measure.Interleaved;

/** One side on a GPU: calls of a layer's copies, eagerly or as a graph that its clock times. */
final class GpuCalls implements AutoCloseable {
  private static final int FEWEST_CALLS = 16;

  private final TernaryRuntime runtime;
  private final int m;
  private final int n;
  private final int k;
  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private final List<TernaryLinear> layers = new ArrayList<>();
  private final CudaStream stream;
  private final DeviceBuffer x;
  private final DeviceBuffer y;
  private final DeviceBuffer workspace;

  /**
   * @param weights of the layer, so often that no cache holds all
   */
  GpuCalls(
      TernaryRuntime runtime,
      List<TernaryWeights> weights,
      Activation activation,
      TernaryBuffer rows,
      int m) {
    this.runtime = runtime;
    this.m = m;
    n = (int) weights.get(0).n();
    k = (int) weights.get(0).k();
    try {
      stream = keep(CudaStream.create(runtime));
      x = keep(DeviceBuffer.copyOf(runtime, rows));
      y = keep(DeviceBuffer.allocate(runtime, DataType.F16, (long) m * n));
      long bytes = 256;
      for (TernaryWeights copy : weights) {
        TernaryLinear layer =
            keep(
                TernaryLinear.builder(runtime, copy)
                    .activation(activation)
                    .expectedRows(m)
                    .build());
        layers.add(layer);
        bytes = Math.max(bytes, layer.workspaceBytes(m));
      }
      workspace = keep(DeviceBuffer.allocate(runtime, DataType.I8, bytes));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.push(resource);
    return resource;
  }

  private void call(int i) {
    layers.get(i % layers.size()).apply(x, k, null, y, n, m, stream, workspace);
  }

  /** The path of a call. */
  String path() {
    Map<String, Long> before = runtime.pathCounts();
    call(0);
    stream.synchronize();
    return Workload.pathsSince(before, runtime);
  }

  /** What the last call has computed. */
  TernaryBuffer result() {
    TernaryBuffer host = TernaryBuffer.allocate(DataType.F16, (long) m * n);
    y.copyTo(host, stream);
    stream.synchronize();
    return host;
  }

  /** A graph of calls, whose slice is one launch. */
  Interleaved.Contender graph() {
    int calls = (FEWEST_CALLS + layers.size() - 1) / layers.size() * layers.size();
    CudaEvent start = keep(CudaEvent.create(runtime));
    CudaEvent end = keep(CudaEvent.create(runtime));
    CudaGraph graph =
        keep(
            stream.capture(
                () -> {
                  for (int i = 0; i < calls; i++) {
                    call(i);
                  }
                }));
    return nanos -> {
      start.record(stream);
      graph.launch(stream);
      end.record(stream);
      end.synchronize();
      return end.millisSince(start) * 1e6 / calls;
    };
  }

  @Override
  public void close() {
    while (!open.isEmpty()) {
      try {
        open.pop().close();
      } catch (Exception e) {
        throw new IllegalStateException("closing a layer or a buffer cannot fail", e);
      }
    }
  }
}
