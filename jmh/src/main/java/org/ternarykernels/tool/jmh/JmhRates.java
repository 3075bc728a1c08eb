package org.ternarykernels.tool.jmh;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * Adds {@code gbps} (GB/s) and {@code gops} (GOPS) to the results of each iteration, from its time
 * of a call. It runs in the benchmark's process, where {@link #call} says what a call moves and
 * computes.
 */
public final class JmhRates implements InternalProfiler {
  private static volatile double bytes;
  private static volatile double operations;

  /**
   * Says what the benchmark that is prepared will do; every benchmark does.
   *
   * @param bytes that a call cannot do without
   * @param operations of a call, two a multiply-add; 0 where it multiplies nothing
   */
  public static void call(double bytes, double operations) {
    JmhRates.bytes = bytes;
    JmhRates.operations = operations;
  }

  @Override
  public String getDescription() {
    return "GB/s and GOPS of a call";
  }

  @Override
  public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
    // Rates are of what has been timed.
  }

  @Override
  public Collection<? extends Result<?>> afterIteration(
      BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
    if (result.getRawPrimaryResults().isEmpty()) {
      return List.of(); // the benchmark has failed, which JMH says
    }
    double nanos =
        nanosOfCall(benchmark.getMode(), benchmark.getTimeUnit(), result.getPrimaryResult());
    double threads = benchmark.getMode() == Mode.Throughput ? 1 : benchmark.getThreads();
    List<Result<?>> rates = new ArrayList<>();
    if (bytes > 0) {
      rates.add(new ScalarResult("gbps", threads * bytes / nanos, "GB/s", AggregationPolicy.AVG));
    }
    if (operations > 0) {
      rates.add(
          new ScalarResult("gops", threads * operations / nanos, "GOPS", AggregationPolicy.AVG));
    }
    return rates;
  }

  /** Of all threads together where the mode counts calls, of one where it takes their times. */
  static double nanosOfCall(Mode mode, TimeUnit unit, Result<?> primary) {
    double nanos = unit.toNanos(1);
    return mode == Mode.Throughput ? nanos / primary.getScore() : primary.getScore() * nanos;
  }
}
