package org.ternarykernels.tool.measure;

import org.ternarykernels.Device;

/** What a device's times are worth. */
public final class DeviceClock {
  /** Said in the place of times. */
  public static final String NO_TIMES = "software GPU: no times";

  private DeviceClock() {}

  /**
   * @return false on the software GPU of tests: its times are those of an interpreter and say
   *     nothing of a GPU, so no command shows them
   */
  public static boolean tellsTime(Device device) {
    return !device.name().startsWith("Software GPU");
  }
}
