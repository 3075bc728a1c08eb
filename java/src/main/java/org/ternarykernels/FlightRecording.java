package org.ternarykernels;

/**
 * The library's flight recorder events, where the JVM has a flight recorder: trimmed JREs have no
 * module {@code jdk.jfr}. Nothing else refers to {@link FlightRecorderEvents}.
 */
final class FlightRecording {
  private static final boolean AVAILABLE = available();

  private FlightRecording() {}

  private static boolean available() {
    try {
      return FlightRecorderEvents.areAvailable();
    } catch (LinkageError e) {
      return false;
    }
  }

  /** The runtime's counts are recorded until {@link #remove}. */
  static void add(TernaryRuntime runtime) {
    if (AVAILABLE) {
      FlightRecorderEvents.add(runtime);
    }
  }

  /** A closed runtime has nothing to tell; with the last one, nothing of ours stays registered. */
  static void remove(TernaryRuntime runtime) {
    if (AVAILABLE) {
      FlightRecorderEvents.remove(runtime);
    }
  }

  /** The first refusal of a preferred kernel for a reason. */
  static void fallback(String path, String reason) {
    if (AVAILABLE) {
      FlightRecorderEvents.fallback(path, reason);
    }
  }
}
