package org.ternarykernels;

import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says through SLF4J, once a process and reason, why {@code auto} did not choose a GPU. */
final class DeviceLog {
  private static final Logger LOG = LoggerFactory.getLogger(TernaryRuntime.class);
  private static final Set<String> SAID = new HashSet<>();

  private DeviceLog() {}

  static void say(Device device) {
    if (device.reason().isEmpty()) {
      return;
    }
    synchronized (SAID) {
      if (!SAID.add(device.reason())) {
        return;
      }
    }
    LOG.warn("The device auto is the CPU here: {}; said once", device.reason());
  }
}
