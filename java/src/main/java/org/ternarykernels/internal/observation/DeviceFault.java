package org.ternarykernels.internal.observation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ternarykernels.TernaryException;

/**
 * Sees to it that a fault which CUDA tells when something is freed is not lost: the collector would
 * swallow it.
 */
public final class DeviceFault {
  private static final Logger LOG = LoggerFactory.getLogger(Observation.LOGGER);

  private DeviceFault() {}

  /** A cleaning action that also logs what it throws. */
  public static Runnable logged(Runnable free) {
    return () -> {
      try {
        free.run();
      } catch (TernaryException e) {
        Observation.LOG.attempt(
            () ->
                LOG.error(
                    "A device reported a fault while its resources were freed: {}",
                    e.getMessage()));
        throw e;
      }
    };
  }
}
