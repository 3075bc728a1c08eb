package org.ternarykernels.internal.observation;

import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.LoggerFactory;

/**
 * Ways in which the library tells of itself. They decide nothing: whatever goes wrong in telling,
 * an error of the JVM included, is said once in the log, and the call that was told of goes on.
 */
public enum Observation {
  LOG("the log"),
  COUNTERS("the counters"),
  FLIGHT_RECORDER("the flight recorder");

  /** All that the library logs has the name of its public class. */
  public static final String LOGGER = "org.ternarykernels.TernaryRuntime";

  private final String subject;
  private final AtomicBoolean said = new AtomicBoolean();

  Observation(String subject) {
    this.subject = subject;
  }

  public void attempt(Runnable telling) {
    try {
      telling.run();
    } catch (Throwable e) {
      failed(e);
    }
  }

  void failed(Throwable cause) {
    try {
      if (said.compareAndSet(false, true)) {
        LoggerFactory.getLogger(LOGGER)
            .warn("{} failed, products go on without it; said once", subject, cause);
      }
    } catch (Throwable e) {
      // The log itself: nobody is left to tell.
    }
  }
}
