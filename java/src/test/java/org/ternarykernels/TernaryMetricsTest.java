package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.CountingMode;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.ternarykernels.micrometer.TernaryMetrics;

/** The meters of a Micrometer registry. */
class TernaryMetricsTest {
  private static final String CALLS = "ternary.path.calls";

  private final MeterRegistry registry = new SimpleMeterRegistry();

  private static TernaryRuntime portable() {
    return TestDevice.onCpu().maxIsa(Isa.PORTABLE).build();
  }

  private static String path(TernaryRuntime runtime) {
    return runtime.totalPathCounts().keySet().iterator().next();
  }

  private double calls(TernaryRuntime runtime) {
    return registry.get(CALLS).tag("runtime", runtime.id()).functionCounter().count();
  }

  private double paths(TernaryRuntime runtime) {
    return registry.get("ternary.paths").tag("runtime", runtime.id()).gauge().value();
  }

  @Test
  void pathsThatAppearLaterGetMeters() {
    try (TernaryRuntime runtime = portable();
        TernaryMetrics metrics = new TernaryMetrics(runtime)) {
      metrics.bindTo(registry);
      assertThat(paths(runtime)).isZero();
      ObservabilityTest.fallBack(runtime, 4);
      assertThat(paths(runtime)).isEqualTo(1);
      assertThat(registry.get(CALLS).functionCounter().getId().getTags())
          .containsExactlyInAnyOrderElementsOf(
              Tags.of("path", path(runtime), "device", "cpu", "runtime", runtime.id()));
      assertThat(calls(runtime)).isEqualTo(4);
      ObservabilityTest.fallBack(runtime, 1);
      assertThat(calls(runtime)).isEqualTo(5);
    }
  }

  @Test
  void fallbacksHaveTheirReason() {
    try (TernaryRuntime runtime = TestDevice.onCpu().build();
        TernaryMetrics metrics = new TernaryMetrics(runtime)) {
      ObservabilityTest.fallBack(runtime, 2);
      metrics.bindTo(registry);
      runtime
          .fallbackCounts()
          .forEach(
              (fallback, count) ->
                  assertThat(
                          registry
                              .get("ternary.fallbacks")
                              .tag("path", fallback.substring(0, fallback.lastIndexOf(':')))
                              .tag("reason", "layout")
                              .tag("device", "cpu")
                              .functionCounter()
                              .count())
                      .isEqualTo(count.doubleValue()));
    }
  }

  @Test
  void runtimesOfOneRegistryDoNotCollide() {
    try (TernaryRuntime a = portable();
        TernaryRuntime b = portable();
        TernaryMetrics ofA = new TernaryMetrics(a);
        TernaryMetrics ofB = new TernaryMetrics(b, Tags.of("runtime", "chat", "team", "nlp"))) {
      ObservabilityTest.fallBack(a, 2);
      ObservabilityTest.fallBack(b, 3);
      ofA.bindTo(registry);
      ofB.bindTo(registry);
      assertThat(calls(a)).isEqualTo(2);
      assertThat(
              registry.get(CALLS).tags("runtime", "chat", "team", "nlp").functionCounter().count())
          .isEqualTo(3);
      ofA.close();
      assertThat(registry.find(CALLS).functionCounters()).hasSize(1);
      ofA.close();
      ofB.close();
      assertThat(registry.getMeters()).isEmpty();
    }
  }

  @Test
  void aClosedRuntimeKeepsItsLastValues() {
    TernaryRuntime runtime = portable();
    TernaryMetrics metrics = new TernaryMetrics(runtime);
    metrics.bindTo(registry);
    ObservabilityTest.fallBack(runtime, 4);
    assertThat(paths(runtime)).isEqualTo(1);
    ObservabilityTest.fallBack(runtime, 3); // not read before the end
    runtime.close();
    assertThat(calls(runtime)).isEqualTo(7);
    assertThat(paths(runtime)).isEqualTo(1);
    assertThat(runtime.totalPathCounts()).containsValue(7L);
    metrics.close();
  }

  @Test
  void metersOfSeveralRegistriesGoWithTheBinder() {
    MeterRegistry other = new SimpleMeterRegistry();
    try (TernaryRuntime runtime = portable();
        TernaryMetrics metrics = new TernaryMetrics(runtime)) {
      metrics.bindTo(registry);
      metrics.bindTo(other);
      Meter gauge = registry.get("ternary.paths").meter();
      metrics.close();
      ObservabilityTest.fallBack(runtime, 1);
      gauge.measure().forEach(measurement -> measurement.getValue()); // a publication under way
      assertThat(registry.getMeters()).isEmpty();
      assertThat(other.getMeters()).isEmpty();
      metrics.bindTo(other); // again
      assertThat(other.getMeters()).hasSize(2);
    }
  }

  @Test
  void aResetNeverGoesBack() {
    MockClock clock = new MockClock();
    SimpleConfig steps =
        new SimpleConfig() {
          @Override
          public String get(String key) {
            return null;
          }

          @Override
          public CountingMode mode() {
            return CountingMode.STEP;
          }

          @Override
          public Duration step() {
            return Duration.ofMinutes(1);
          }
        };
    MeterRegistry rates = new SimpleMeterRegistry(steps, clock);
    try (TernaryRuntime runtime = portable();
        TernaryMetrics metrics = new TernaryMetrics(runtime)) {
      ObservabilityTest.fallBack(runtime, 4);
      metrics.bindTo(registry);
      metrics.bindTo(rates);
      assertThat(calls(runtime)).isEqualTo(4);
      rates.get(CALLS).functionCounter().count();
      ObservabilityTest.fallBack(runtime, 2);
      runtime.resetCounters();
      ObservabilityTest.fallBack(runtime, 1);
      assertThat(calls(runtime)).isEqualTo(7);
      rates.get(CALLS).functionCounter().count();
      clock.add(Duration.ofMinutes(1));
      assertThat(rates.get(CALLS).functionCounter().count()).isEqualTo(7);
      assertThat(runtime.pathCounts()).containsValue(1L);
    }
  }

  @Test
  void aRegistryThatRefusesAMeterIsLoggedOnce() {
    try (TernaryRuntime runtime = portable();
        TernaryMetrics metrics = new TernaryMetrics(runtime);
        ErrorStream log = new ErrorStream()) {
      metrics.bindTo(registry);
      registry
          .config()
          .onMeterAdded(
              meter -> {
                throw new IllegalArgumentException("refused");
              });
      ObservabilityTest.fallBack(runtime, 1);
      assertThat(paths(runtime)).isEqualTo(1);
      assertThat(paths(runtime)).isEqualTo(1);
      assertThat(log.lines("Meters of runtime " + runtime.id() + " cannot be kept up"))
          .isEqualTo(1);
    }
  }

  /** In the middle of a publication, which other meters are waiting for. */
  @Test
  void aRegistryThatRefusesBesideALogThatFailsGetsItsValues() {
    try (TernaryRuntime runtime = portable();
        TernaryMetrics metrics = new TernaryMetrics(runtime);
        ErrorStream log = new ErrorStream(() -> new IllegalStateException("the appender"))) {
      metrics.bindTo(registry);
      registry
          .config()
          .onMeterAdded(
              meter -> {
                throw new IllegalArgumentException("refused");
              });
      ObservabilityTest.fallBack(runtime, 1);
      assertThat(paths(runtime)).isEqualTo(1);
    }
  }

  @Test
  void refusesNull() {
    assertThatThrownBy(() -> new TernaryMetrics(null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("runtime is null");
    try (TernaryRuntime runtime = portable()) {
      assertThatThrownBy(() -> new TernaryMetrics(runtime, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("tags is null");
    }
  }
}
