package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;

/**
 * The operands of a {@link MoeProblem} in a GPU's memory, in rows of a stride that is longer than
 * they are. What lies between rows must stay.
 */
final class MoeOnGpu {
  private static final byte BETWEEN = 0x5a;

  private final MoeProblem problem;
  private final DeviceBuffers memory;
  private final int gap;
  private final DeviceBuffer x;
  private final DeviceBuffer xScale;
  private final Routing routing;
  private final DeviceBuffer residual;
  private final DeviceBuffer sum;
  private final DeviceBuffer y;

  /**
   * Copies the operands.
   *
   * @param gap elements from the end of a row to the next; without one, and without residual and
   *     scales, the contiguous form of the call is used
   * @param inPlace whether a residual receives its own sum
   */
  MoeOnGpu(MoeProblem problem, DeviceBuffers memory, int gap, boolean inPlace) {
    this.problem = problem;
    this.memory = memory;
    this.gap = gap;
    int slots = problem.slots;
    x = rows(problem.x, problem.h);
    xScale = memory.ofNullable(problem.xScale);
    routing =
        Routing.of(
            rows(problem.routing.ids(), slots),
            slots + gap,
            rows(problem.routing.weights(), slots),
            slots + gap,
            slots);
    residual = rows(problem.residual, problem.h);
    sum = inPlace ? residual : rows(problem.residual, problem.h);
    TernaryBuffer zeros = TernaryBuffer.allocate(problem.yType, problem.m * problem.columnsOfY());
    y = rows(zeros, (int) problem.columnsOfY());
  }

  private DeviceBuffer rows(TernaryBuffer host, int columns) {
    return host == null ? null : memory.of(spread(host, columns));
  }

  private TernaryBuffer spread(TernaryBuffer host, int columns) {
    int bytes = host.dataType().bytes();
    TernaryBuffer all = TernaryBuffer.allocate(host.dataType(), (long) problem.m * (columns + gap));
    ByteBuffer to = all.asByteBuffer();
    ByteBuffer from = host.asByteBuffer();
    byte[] row = new byte[columns * bytes];
    while (from.hasRemaining()) {
      from.get(row);
      to.put(row);
      for (int i = 0; i < gap * bytes; i++) {
        to.put(BETWEEN);
      }
    }
    return all;
  }

  /** Workspace for a call. */
  DeviceBuffer workspace() {
    return memory.of(DataType.I8, problem.layer.workspaceBytes(problem.m, problem.slots));
  }

  void setIds(CudaStream stream) {
    routing.deviceIds().copyFrom(spread(problem.routing.ids(), problem.slots), stream);
  }

  void start(CudaStream stream, DeviceBuffer workspace) {
    if (gap == 0 && residual == null && xScale == null && workspace == null) {
      problem.layer.apply(x, routing, y, problem.m, stream);
      return;
    }
    problem.layer.apply(
        x,
        problem.h + gap,
        xScale,
        routing,
        residual,
        sum,
        residual == null ? 0 : problem.h + gap,
        y,
        problem.columnsOfY() + gap,
        problem.m,
        stream,
        workspace);
  }

  /** Whether the call has given what the problem says: the oracle's bits, or a host call's. */
  void assertIs(MoeProblem.Result expected, String what) {
    assertRows(y, expected.y(), (int) problem.columnsOfY(), what);
    if (sum != null) {
      assertRows(sum, expected.residualOut(), problem.h, what + ", residual");
    }
  }

  private void assertRows(DeviceBuffer actual, TernaryBuffer expected, int columns, String what) {
    assertThat(Problems.bits(memory.read(actual)))
        .as(what)
        .isEqualTo(Problems.bits(spread(expected, columns)));
  }
}
