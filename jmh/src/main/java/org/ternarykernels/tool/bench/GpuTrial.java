package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.ternarykernels.Activation;
import org.ternarykernels.CudaEvent;
import org.ternarykernels.CudaGraph;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.DeviceBuffer;
import org.ternarykernels.Layout;
import org.ternarykernels.Oracle;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.bench.Workload.Operation;
import org.ternarykernels.tool.measure.DeviceClock;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * One product on a GPU: checked against the oracle, then timed as a graph of calls by the device's
 * own clock.
 */
final class GpuTrial implements AutoCloseable {
  private static final float EPS = 1e-5f;
  private static final long SEED = 1;

  private static final int FEWEST_CALLS = 16;
  private static final int FEWEST_ROUNDS = 7;
  private static final int MOST_ROUNDS = 101;
  private static final double CHECKED_PRODUCTS = 1e8;

  private final TernaryRuntime runtime;
  private final Operation operation;
  private final Activation activation;
  private final int m;
  private final int n;
  private final int k;
  private final WeightCopies weights;
  private final float[] norm;
  private final TernaryBuffer hostX;
  private final TernaryBuffer hostResidual;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<TernaryLinear> linears = new ArrayList<>();
  private final List<RmsNormLinear> normed = new ArrayList<>();
  private final CudaStream stream;
  private final DeviceBuffer x;
  private final DeviceBuffer y;
  private final DeviceBuffer residual;
  private final DeviceBuffer residualOut;
  private final DeviceBuffer q;
  private final DeviceBuffer s;
  private final DeviceBuffer workspace;

  GpuTrial(
      TernaryRuntime runtime,
      Shape shape,
      Operation operation,
      Activation activation,
      Layout layout,
      int m,
      State memory) {
    this.runtime = runtime;
    this.operation = operation;
    this.activation = activation;
    this.m = m;
    n = shape.n();
    k = shape.k();
    weights =
        keep(
            new WeightCopies(
                shape,
                SEED,
                layout,
                memory == State.RESIDENT ? 1 : WeightCopies.GPU_STREAMING_BYTES));
    RandomProblem random = new RandomProblem(SEED + 1);
    hostX = random.activations(DataType.F16, m, k);
    hostResidual = random.activations(DataType.F16, m, k);
    norm = random.vector(k, 1);
    stream = keep(CudaStream.create(runtime));
    x = keep(DeviceBuffer.copyOf(runtime, hostX));
    residual = keep(DeviceBuffer.copyOf(runtime, hostResidual));
    residualOut = keep(DeviceBuffer.allocate(runtime, DataType.F16, (long) m * k));
    y = keep(DeviceBuffer.allocate(runtime, DataType.F16, (long) m * n));
    q = keep(DeviceBuffer.allocate(runtime, DataType.I8, (long) m * k));
    s = keep(DeviceBuffer.allocate(runtime, DataType.F32, m * activation.scales(k)));
    long bytes = 256;
    for (TernaryWeights copy : weights.copies()) {
      if (operation == Operation.RMSNORM_LINEAR) {
        normed.add(
            keep(
                RmsNormLinear.builder(runtime, copy)
                    .norm(norm, EPS)
                    .activation(activation)
                    .expectedRows(m)
                    .build()));
        bytes = Math.max(bytes, normed.get(0).workspaceBytes(m));
      } else {
        linears.add(
            keep(
                TernaryLinear.builder(runtime, copy)
                    .activation(activation)
                    .expectedRows(m)
                    .build()));
        bytes = Math.max(bytes, linears.get(0).workspaceBytes(m));
      }
    }
    workspace = keep(DeviceBuffer.allocate(runtime, DataType.I8, bytes));
  }

  private <T extends AutoCloseable> T keep(T resource) {
    open.add(0, resource);
    return resource;
  }

  private void call(int copy) {
    switch (operation) {
      case LINEAR, LINEAR_A16 -> linears.get(copy).apply(x, k, null, y, n, m, stream, workspace);
      case RMSNORM_LINEAR ->
          normed.get(copy).apply(x, k, null, residual, residualOut, k, y, n, m, stream, workspace);
      case QUANTISE_ACTIVATIONS ->
          runtime.quantise(x, null, 0, null, null, activation, q, s, m, k, stream);
      case MOE, ROUTE -> throw new IllegalArgumentException(operation + " is of experts");
    }
  }

  /** Puts what was measured into a row; no times of the software GPU. */
  void measure(Map<String, Object> row, double seconds) {
    Map<String, Long> before = runtime.pathCounts();
    call(0);
    row.put("path", Workload.pathsSince(before, runtime));
    row.put("rows_checked", check());
    int copies = weights.copies().size();
    row.put("copies", copies);
    long bytes = operation == Operation.QUANTISE_ACTIVATIONS ? 3L * m * k : weights.bytes();
    time(runtime, stream, callsOf(copies), i -> call(i % copies), seconds, bytes, row);
  }

  /**
   * Times a graph of calls by the device's own clock. Puts the time of one into a row; no times of
   * the software GPU.
   *
   * @param call gives the i-th call to the stream
   * @param seconds for all launches
   * @param bytes that a call reads
   */
  static void time(
      TernaryRuntime runtime,
      CudaStream stream,
      int calls,
      IntConsumer call,
      double seconds,
      double bytes,
      Map<String, Object> row) {
    List<Double> nanos = new ArrayList<>();
    try (CudaEvent start = CudaEvent.create(runtime);
        CudaEvent end = CudaEvent.create(runtime);
        CudaGraph graph =
            stream.capture(
                () -> {
                  for (int i = 0; i < calls; i++) {
                    call.accept(i);
                  }
                })) {
      graph.launch(stream); // caches and clocks
      if (!DeviceClock.tellsTime(runtime.device())) {
        stream.synchronize(); // rounds would take minutes, and say nothing
        return;
      }
      long until = System.nanoTime() + (long) (seconds * 1e9);
      while (nanos.size() < FEWEST_ROUNDS
          || nanos.size() < MOST_ROUNDS && System.nanoTime() < until) {
        start.record(stream);
        graph.launch(stream);
        end.record(stream);
        end.synchronize();
        nanos.add(end.millisSince(start) * 1e6 / calls);
      }
    }
    MedianInterval time =
        MedianInterval.of(nanos.stream().mapToDouble(Double::doubleValue).toArray());
    row.put("ns", time.median());
    row.put("ns_low", time.low());
    row.put("ns_high", time.high());
    row.put("rounds", time.count());
    row.put("gbps", bytes / time.median());
  }

  /** As many calls as a graph has at least, so that each of so many different ones is as often. */
  static int callsOf(int different) {
    return (FEWEST_CALLS + different - 1) / different * different;
  }

  /** Compares so many rows with the oracle as it makes in a tenth of a second. */
  private int check() {
    int count = (int) Math.max(1, Math.min(m, CHECKED_PRODUCTS / ((double) n * k)));
    TernaryBuffer got = read(operation == Operation.QUANTISE_ACTIVATIONS ? q : y, stream);
    TernaryBuffer scales = read(s, stream);
    TernaryBuffer sums = read(residualOut, stream);
    TernaryBuffer expected = TernaryBuffer.allocate(DataType.F16, n);
    TernaryBuffer sum = TernaryBuffer.allocate(DataType.F16, k);
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, k);
    int scaleCount = (int) activation.scales(k);
    TernaryBuffer scale = TernaryBuffer.allocate(DataType.F32, scaleCount);
    TernaryWeights first = weights.copies().get(0);
    for (int i = 0; i < count; i++) {
      int row = count == 1 ? m - 1 : (int) ((long) i * (m - 1) / (count - 1));
      TernaryBuffer input = hostX.slice((long) row * k, k);
      String what = "row " + row;
      switch (operation) {
        case LINEAR -> {
          Oracle.linear(first, activation, null, input, k, null, expected, n, 1);
          Workload.requireSame(what, got.slice((long) row * n, n), expected);
        }
        case LINEAR_A16 -> {
          Oracle.linear(first, activation, null, input, k, null, expected, n, 1);
          requireNear(
              what, got.slice((long) row * n, n).toArray(), expected.toArray(), input.toArray());
        }
        case RMSNORM_LINEAR -> {
          Oracle.rmsNormLinear(
              first,
              activation,
              norm,
              EPS,
              null,
              input,
              k,
              null,
              hostResidual.slice((long) row * k, k),
              sum,
              k,
              expected,
              n,
              1);
          Workload.requireSame(what, got.slice((long) row * n, n), expected);
          Workload.requireSame(what + " of residual_out", sums.slice((long) row * k, k), sum);
        }
        case QUANTISE_ACTIVATIONS -> {
          Oracle.quantise(input, null, 0, null, null, activation, codes, scale, 1, k);
          Workload.requireSame(what, got.slice((long) row * k, k), codes);
          Workload.requireSame(
              "the scale of " + what, scales.slice((long) row * scaleCount, scaleCount), scale);
        }
      }
    }
    return count;
  }

  /**
   * A16 sums in another order: within {@code 2 K * 2^-23} of the sum of sizes, and the roundings to
   * f16.
   */
  private void requireNear(String what, float[] got, float[] expected, float[] input) {
    double sizes = 0;
    for (float value : input) {
      sizes += Math.abs(value);
    }
    double alpha = weights.copies().get(0).alpha().values()[0];
    for (int i = 0; i < n; i++) {
      double bound = 2 * k * 0x1p-23 * sizes * alpha + Math.abs(expected[i]) * 0x1p-10 + 0x1p-24;
      if (!(Math.abs(got[i] - (double) expected[i]) <= bound)) {
        throw new IllegalStateException(
            what + ", column " + i + " is " + got[i] + ", the oracle has " + expected[i]);
      }
    }
  }

  @Override
  public void close() {
    close(open);
  }

  /** Closes all, the last that was opened being the first; the first exception is thrown then. */
  static void close(List<AutoCloseable> open) {
    RuntimeException first = null;
    for (AutoCloseable resource : open) {
      try {
        resource.close();
      } catch (RuntimeException e) {
        first = first == null ? e : first;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
    if (first != null) {
      throw first;
    }
  }

  static TernaryBuffer read(DeviceBuffer buffer, CudaStream stream) {
    TernaryBuffer host = TernaryBuffer.allocate(buffer.dataType(), buffer.elements());
    buffer.copyTo(host, stream);
    stream.synchronize();
    return host;
  }
}
