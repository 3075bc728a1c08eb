package org.ternarykernels.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Collection;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.LoggerFactory;
import org.ternarykernels.TernaryRuntime;

/**
 * The counters of a runtime as meters. Each has the tags {@code runtime} ({@link
 * TernaryRuntime#id()}) and {@code device} ({@code cpu}, {@code cuda:0}), and those of its user:
 *
 * <ul>
 *   <li>{@code ternary.path.calls}, a counter for each {@code path}: calls that the kernel served;
 *   <li>{@code ternary.fallbacks}, a counter for each {@code path} and {@code reason}: problems
 *       that a preferred kernel refused;
 *   <li>{@code ternary.paths}, a gauge: how many paths have served calls.
 * </ul>
 *
 * <p>Paths are not known beforehand: those that appear later get their meters when {@code
 * ternary.paths} is read, so a registry that publishes all meters shows them from the next
 * publication on, with all they have counted.
 *
 * <p>Counters are totals since the runtime was made: {@link TernaryRuntime#resetCounters()} does
 * not set them back. Those of a closed runtime keep their last value, until {@link #close()}
 * removes them. What goes wrong in reading is logged once; the meters keep what they had. Any
 * thread may use an instance.
 */
@SuppressWarnings(
    "exports") // Micrometer is optional, so the module cannot require it transitively.
public final class TernaryMetrics implements MeterBinder, AutoCloseable {
  private final TernaryRuntime runtime;
  private final Tags tags;
  private final Queue<Binding> bindings = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean failureSaid = new AtomicBoolean();
  private volatile Map<String, Long> paths = Map.of();
  private volatile Map<String, Long> fallbacks = Map.of();

  /**
   * Meters of a runtime without tags of its user's.
   *
   * @param runtime whose counters to show; kept reachable by the registry until {@link #close()}
   * @throws IllegalArgumentException if it is null
   */
  public TernaryMetrics(TernaryRuntime runtime) {
    this(runtime, Tags.empty());
  }

  /**
   * Meters of a runtime.
   *
   * @param runtime whose counters to show; kept reachable by the registry until {@link #close()}
   * @param tags added to each meter; one of the key {@code runtime} replaces the number, for
   *     example by a name that stays the same from one start of the program to the next. Two
   *     runtimes of one registry must differ in a tag
   * @throws IllegalArgumentException if one is null
   * @since 0.2.0
   */
  public TernaryMetrics(TernaryRuntime runtime, Iterable<Tag> tags) {
    if (runtime == null) {
      throw new IllegalArgumentException("runtime is null, must be given");
    }
    if (tags == null) {
      throw new IllegalArgumentException("tags is null, must be given");
    }
    this.runtime = runtime;
    this.tags = Tags.of("runtime", runtime.id(), "device", runtime.device().id()).and(tags);
  }

  /**
   * Adds the meters to a registry.
   *
   * @param registry to add to; any number of them
   * @throws IllegalArgumentException if it is null
   */
  @Override
  public void bindTo(MeterRegistry registry) {
    if (registry == null) {
      throw new IllegalArgumentException("registry is null, must be given");
    }
    Binding binding = new Binding(registry);
    bindings.add(binding);
    binding.begin();
  }

  /**
   * Removes the meters from every registry. Closing again does nothing.
   *
   * @since 0.2.0
   */
  @Override
  public void close() {
    for (Binding binding = bindings.poll(); binding != null; binding = bindings.poll()) {
      binding.end();
    }
  }

  /** Reads the runtime; if that fails, what was read before stands. */
  private void read() {
    try {
      paths = runtime.totalPathCounts();
      fallbacks = runtime.totalFallbackCounts();
    } catch (RuntimeException | Error e) {
      failed(e);
    }
  }

  private double calls(String path) {
    read();
    return paths.getOrDefault(path, 0L);
  }

  private double refusals(String fallback) {
    read();
    return fallbacks.getOrDefault(fallback, 0L);
  }

  private void failed(Throwable cause) {
    if (!failureSaid.compareAndSet(false, true)) {
      return;
    }
    try {
      LoggerFactory.getLogger(TernaryMetrics.class)
          .warn("Meters of runtime {} cannot be kept up; said once", runtime.id(), cause);
    } catch (RuntimeException | Error e) {
      // The log itself: nobody is left to tell.
    }
  }

  /** The meters of one registry. No lock: a registry may read meters while it registers one. */
  private final class Binding {
    private final MeterRegistry registry;
    private final Set<String> known = ConcurrentHashMap.newKeySet();
    private final Collection<Meter> meters = new ConcurrentLinkedQueue<>();
    private volatile boolean ended;

    Binding(MeterRegistry registry) {
      this.registry = registry;
    }

    void begin() {
      add(
          Gauge.builder("ternary.paths", this, Binding::discover)
              .description("Paths that have served calls")
              .tags(tags)
              .strongReference(true)
              .register(registry));
      discover();
    }

    /** Registers what is new and says how many paths there are. */
    private double discover() {
      read();
      try {
        paths.keySet().forEach(this::addPath);
        fallbacks.keySet().forEach(this::addFallback);
      } catch (RuntimeException | Error e) {
        failed(e); // a registry that refuses a meter, in the middle of its publication
      }
      return paths.size();
    }

    private void addPath(String path) {
      if (known.add(path)) {
        add(
            FunctionCounter.builder("ternary.path.calls", TernaryMetrics.this, m -> m.calls(path))
                .description("Calls that a kernel has served")
                .tags(tags)
                .tag("path", path)
                .register(registry));
      }
    }

    private void addFallback(String fallback) {
      if (known.add(fallback)) {
        int colon = fallback.lastIndexOf(':');
        add(
            FunctionCounter.builder(
                    "ternary.fallbacks", TernaryMetrics.this, m -> m.refusals(fallback))
                .description("Problems that a preferred kernel refused")
                .tags(tags)
                .tag("path", fallback.substring(0, colon))
                .tag("reason", fallback.substring(colon + 1))
                .register(registry));
      }
    }

    private void add(Meter meter) {
      meters.add(meter);
      if (ended) {
        end();
      }
    }

    void end() {
      ended = true;
      meters.forEach(registry::remove);
    }
  }
}
