package org.ternarykernels.internal.observation;

import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ternarykernels.Device;

/**
 * Says through SLF4J, once a process and reason, why {@code auto} did not choose a GPU, or what is
 * to be known of the code that serves the one that was asked for.
 */
public final class DeviceLog {
  private static final Logger LOG = LoggerFactory.getLogger(Observation.LOGGER);
  private static final Set<String> SAID = new HashSet<>();

  private DeviceLog() {}

  public static void say(Device device, String infoJson) {
    if (isNew(device.reason())) {
      LOG.warn("The device auto is the CPU here: {}; said once", device.reason());
    }
    String warning = InfoJson.text(infoJson, "cuda", "warning");
    if (isNew(warning)) {
      LOG.warn("The device {}: {}; said once", device.name(), warning);
    }
  }

  private static boolean isNew(String sentence) {
    synchronized (SAID) {
      return !sentence.isEmpty() && SAID.add(sentence);
    }
  }
}
