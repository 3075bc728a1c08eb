package org.ternarykernels;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;

/** The events and their registration; needs the module {@code jdk.jfr}. */
final class FlightRecorderEvents {
  private static final Set<TernaryRuntime> RUNTIMES =
      Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

  private static final Runnable PATH_COUNTS = FlightRecorderEvents::emitPathCounts;

  /**
   * Registering an event starts the recorder's machinery, 0.1 s and more: only when somebody
   * records.
   */
  private static final FlightRecorderListener LISTENER =
      new FlightRecorderListener() {
        @Override
        public void recorderInitialized(FlightRecorder recorder) {
          FlightRecorder.addPeriodicEvent(PathCountEvent.class, PATH_COUNTS);
        }
      };

  private FlightRecorderEvents() {}

  static boolean areAvailable() {
    return FlightRecorder.isAvailable();
  }

  /** How often a path served a call, of one runtime, since its counters were reset. */
  @Name("org.ternarykernels.PathCount")
  @Label("Ternary path count")
  @Category("Ternary Kernels")
  @Description("Calls that a kernel has served since the counters were reset")
  @Period("10 s")
  @StackTrace(false)
  static final class PathCountEvent extends Event {
    @Label("Runtime")
    @Description("Tells the runtimes of a process apart")
    int runtime;

    @Label("Path")
    String path;

    @Label("Count")
    long count;
  }

  /** The first refusal of a preferred kernel for a reason. */
  @Name("org.ternarykernels.Fallback")
  @Label("Ternary fallback")
  @Category("Ternary Kernels")
  @Description("A preferred kernel refused a problem for the first time for this reason")
  static final class FallbackEvent extends Event {
    @Label("Path")
    String path;

    @Label("Reason")
    String reason;
  }

  /** The first runtime registers what the recorder keeps of ours. */
  static void add(TernaryRuntime runtime) {
    synchronized (RUNTIMES) {
      if (RUNTIMES.isEmpty()) {
        FlightRecorder.addListener(LISTENER);
      }
      RUNTIMES.add(runtime);
    }
  }

  /** The last runtime takes it back: the recorder would keep our class loader alive. */
  static void remove(TernaryRuntime runtime) {
    synchronized (RUNTIMES) {
      if (RUNTIMES.remove(runtime) && RUNTIMES.isEmpty()) {
        FlightRecorder.removeListener(LISTENER);
        if (FlightRecorder.isInitialized()) {
          FlightRecorder.removePeriodicEvent(PATH_COUNTS);
        }
      }
    }
  }

  static void fallback(String path, String reason) {
    if (!FlightRecorder.isInitialized()) {
      return;
    }
    FallbackEvent event = new FallbackEvent();
    event.path = path;
    event.reason = reason;
    event.commit();
  }

  private static void emitPathCounts() {
    List<TernaryRuntime> runtimes;
    synchronized (RUNTIMES) {
      runtimes = new ArrayList<>(RUNTIMES);
    }
    for (TernaryRuntime runtime : runtimes) {
      emitPathCounts(runtime);
    }
  }

  private static void emitPathCounts(TernaryRuntime runtime) {
    Map<String, Long> counts;
    try {
      counts = runtime.pathCounts();
    } catch (IllegalStateException e) {
      remove(runtime); // closed: there is nothing to tell any more
      return;
    }
    counts.forEach(
        (path, count) -> {
          PathCountEvent event = new PathCountEvent();
          event.runtime = System.identityHashCode(runtime);
          event.path = path;
          event.count = count;
          event.commit();
        });
  }
}
