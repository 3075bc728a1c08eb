package org.ternarykernels;

import org.junit.jupiter.api.extension.Extension;

/**
 * The device that the tests compute on: {@code -Dternary.test.device=cpu} (the default), {@code
 * gpu} or {@code softgpu:sm_90a}, for which the environment has {@code SOFTGPU_ARCH=90a} and the
 * property {@code ternary.cuda.runtime} names the software GPU's folder. JUnit makes one before any
 * test class is initialised, so that every runtime that does not choose a device itself is on this
 * one.
 *
 * <p>Classes and methods with the tag {@code gpu} need a GPU of either kind.
 */
public final class TestDevice implements Extension {
  static final String NAME = System.getProperty("ternary.test.device", "cpu");
  private static final String SOFTWARE = "softgpu:sm_";

  static {
    if (!isCpu()) {
      System.setProperty("ternary.device", "cuda");
    }
  }

  /** For JUnit's service loader. */
  public TestDevice() {}

  static boolean isCpu() {
    return NAME.equals("cpu");
  }

  /** The architecture of the software GPU, for example "90a"; empty on anything else. */
  static String softwareArch() {
    return NAME.startsWith(SOFTWARE) ? NAME.substring(SOFTWARE.length()) : "";
  }

  /**
   * How often to repeat something: a call takes microseconds on a CPU, milliseconds on the software
   * GPU.
   */
  static int repetitions(int onHardware, int onSoftware) {
    return softwareArch().isEmpty() ? onHardware : onSoftware;
  }

  /** A runtime on the CPU whatever the tests compute on, for what only concerns CPUs. */
  static TernaryRuntime.Builder onCpu() {
    return TernaryRuntime.builder().device("cpu");
  }
}
