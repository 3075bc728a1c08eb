package org.ternarykernels.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.ternarykernels.TernaryRuntime;

/**
 * The counters of a runtime as meters: {@code ternary.path.calls} tagged {@code path}, {@code
 * ternary.fallbacks} tagged {@code path} and {@code reason}, and {@code ternary.paths}, the number
 * of paths seen.
 *
 * <p>Paths are not known beforehand: those that appear later get their meters when {@code
 * ternary.paths} is read, so a registry that publishes all meters shows them from the next
 * publication on. A closed runtime reads as NaN.
 */
@SuppressWarnings(
    "exports") // Micrometer is optional, so the module cannot require it transitively.
public final class TernaryMetrics implements MeterBinder {
  private final TernaryRuntime runtime;

  /**
   * Meters of a runtime.
   *
   * @param runtime whose counters to show; kept reachable by the registry
   * @throws IllegalArgumentException if it is null
   */
  public TernaryMetrics(TernaryRuntime runtime) {
    if (runtime == null) {
      throw new IllegalArgumentException("runtime is null, must be given");
    }
    this.runtime = runtime;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Set<String> known = ConcurrentHashMap.newKeySet();
    Gauge.builder("ternary.paths", this, metrics -> metrics.discover(registry, known))
        .description("Paths that have served calls")
        .strongReference(true)
        .register(registry);
    discover(registry, known);
  }

  /** Registers what is new and says how many paths there are. */
  private double discover(MeterRegistry registry, Set<String> known) {
    Map<String, Long> paths;
    Map<String, Long> fallbacks;
    try {
      paths = runtime.pathCounts();
      fallbacks = runtime.fallbackCounts();
    } catch (IllegalStateException e) {
      return Double.NaN;
    }
    for (String path : paths.keySet()) {
      if (known.add(path)) {
        FunctionCounter.builder("ternary.path.calls", runtime, r -> count(r, path, false))
            .description("Calls that a kernel has served")
            .tag("path", path)
            .register(registry);
      }
    }
    for (String fallback : fallbacks.keySet()) {
      if (known.add(fallback)) {
        int colon = fallback.lastIndexOf(':');
        FunctionCounter.builder("ternary.fallbacks", runtime, r -> count(r, fallback, true))
            .description("Problems that a preferred kernel refused")
            .tag("path", fallback.substring(0, colon))
            .tag("reason", fallback.substring(colon + 1))
            .register(registry);
      }
    }
    return paths.size();
  }

  private static double count(TernaryRuntime runtime, String key, boolean fallback) {
    try {
      return (fallback ? runtime.fallbackCounts() : runtime.pathCounts()).getOrDefault(key, 0L);
    } catch (IllegalStateException e) {
      return Double.NaN;
    }
  }
}
