package org.ternarykernels.internal.observation;

import org.ternarykernels.Device;

/**
 * A call that the flight recorder takes if it lasts long enough. An interface of our own, since
 * trimmed JREs have no event classes.
 */
public interface CallRecord {
  /**
   * Ends the call, on its thread and before the thread's next call.
   *
   * @param n 0 where there is none
   */
  void end(
      NativeRuntime runtime,
      Device device,
      String operation,
      long m,
      long n,
      long k,
      long bytesRead,
      long bytesWritten);
}
