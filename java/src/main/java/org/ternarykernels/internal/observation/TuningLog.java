package org.ternarykernels.internal.observation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says through SLF4J why a runtime's tuning file does not serve: the runtime works without it, only
 * slower.
 */
public final class TuningLog {
  private static final Logger LOG = LoggerFactory.getLogger(Observation.LOGGER);

  private TuningLog() {}

  public static void say(String infoJson) {
    String error = error(infoJson);
    if (!error.isEmpty()) {
      LOG.warn("The tuning file is not used, built-in values serve: {}", error);
    }
  }

  /** {@code tuning.error} of the info; empty if the file serves or there is none. */
  public static String error(String infoJson) {
    return InfoJson.text(infoJson, "tuning", "error");
  }
}
