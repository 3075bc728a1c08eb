package org.ternarykernels.tool.stack;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.RandomProblem;

/**
 * Rows of activations for the layers of a stack, in host memory and where the runtime has a GPU in
 * its memory. Layers that take as many columns share them.
 */
final class StackOperands implements AutoCloseable {
  private static final long SEED = 3;

  private final TernaryRuntime runtime;
  private final int rows;
  private final CudaStream stream;
  private final Map<String, TernaryBuffer> host = new HashMap<>();
  private final Map<String, DeviceBuffer> device = new HashMap<>();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  StackOperands(TernaryRuntime runtime, int rows, boolean onHost) {
    this.runtime = runtime;
    this.rows = rows;
    stream = runtime.device().isCuda() && !onHost ? keep(CudaStream.create(runtime)) : null;
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.push(resource);
    return resource;
  }

  /** The stream of the GPU; null where rows are in host memory. */
  CudaStream stream() {
    return stream;
  }

  /** Random rows of so many columns. A purpose of its own has memory of its own. */
  TernaryBuffer host(String purpose, long columns) {
    return host.computeIfAbsent(
        purpose + columns,
        missing -> new RandomProblem(SEED).activations(DataType.F16, rows, (int) columns));
  }

  /** The same in the GPU's memory. */
  DeviceBuffer device(String purpose, long columns) {
    return device.computeIfAbsent(
        purpose + columns, missing -> keep(DeviceBuffer.copyOf(runtime, host(purpose, columns))));
  }

  /** Waits for what was given to the stream. */
  void await() {
    if (stream != null) {
      stream.synchronize();
    }
  }

  @Override
  public void close() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }
}
