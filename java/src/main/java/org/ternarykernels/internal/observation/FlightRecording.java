package org.ternarykernels.internal.observation;

import org.jspecify.annotations.Nullable;
import org.ternarykernels.Device;

/**
 * The library's flight recorder events, where the JVM has a flight recorder: trimmed JREs have no
 * module {@code jdk.jfr}. Nothing else refers to {@link FlightRecorderEvents}. Nothing here throws.
 */
public final class FlightRecording {
  private static final boolean AVAILABLE = available();

  private FlightRecording() {}

  private static boolean available() {
    try {
      return FlightRecorderEvents.areAvailable();
    } catch (Throwable e) {
      return false; // also a recorder that is there and cannot start
    }
  }

  /** The runtime's counts are recorded until {@link #remove}. */
  public static void add(NativeRuntime runtime) {
    if (AVAILABLE) {
      Observation.FLIGHT_RECORDER.attempt(() -> FlightRecorderEvents.add(runtime));
    }
  }

  /** Records the runtime's last counts; with the last runtime, nothing of ours stays registered. */
  static void remove(NativeRuntime runtime) {
    if (AVAILABLE) {
      Observation.FLIGHT_RECORDER.attempt(() -> FlightRecorderEvents.remove(runtime));
    }
  }

  /** The first refusal of a preferred kernel for a reason. */
  static void fallback(String path, String reason) {
    if (AVAILABLE) {
      Observation.FLIGHT_RECORDER.attempt(() -> FlightRecorderEvents.fallback(path, reason));
    }
  }

  /** Ends what {@link #beginCall} has begun, if the call has succeeded. */
  public static void endCall(
      CallRecord record,
      NativeRuntime runtime,
      Device device,
      String operation,
      long m,
      long n,
      long k,
      long bytesRead,
      long bytesWritten) {
    try {
      record.end(runtime, device, operation, m, n, k, bytesRead, bytesWritten);
    } catch (Throwable e) {
      Observation.FLIGHT_RECORDER.failed(e);
    }
  }

  /** A call begins; null, and nothing done, where nobody records calls. */
  public static @Nullable CallRecord beginCall() {
    try {
      return AVAILABLE ? FlightRecorderEvents.beginCall() : null;
    } catch (Throwable e) {
      Observation.FLIGHT_RECORDER.failed(e);
      return null;
    }
  }
}
