package org.ternarykernels.internal;

import org.ternarykernels.TernaryException;
import org.ternarykernels.binding.NativeLibraries;

/**
 * Whether JavaCPP's CUDA presets, an optional dependency, are there; refers to none of their
 * classes.
 */
public final class CudaPresets {
  private static final String COORDINATES = "org.bytedeco:cuda:13.1-9.19-1.5.13";

  private CudaPresets() {}

  /**
   * Loads the presets. The CUDA runtime that they need has been loaded by then: a {@code
   * TernaryRuntime} that uses a GPU has done so.
   *
   * @throws TernaryException if they are missing
   */
  public static void require() {
    try {
      Class.forName("org.bytedeco.cuda.global.cudart");
    } catch (ClassNotFoundException | LinkageError e) {
      throw new TernaryException(
          "the CUDA presets for JavaCPP cannot be used (" + e + "); " + advice(e), e);
    }
  }

  /** JavaCPP extracts its libraries to fixed files, and a JVM gives a file to one class loader. */
  static String advice(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (NativeLibraries.isTaken(cause)) {
        return "another class loader of this process has them, and they can be in one only: load "
            + COORDINATES
            + " in a class loader that both share, or use device memory in one of them";
      }
    }
    return COORDINATES + " must be on the class path, with and without the classifier linux-x86_64";
  }

  public static boolean isUsable() {
    try {
      require();
      return true;
    } catch (TernaryException e) {
      return false;
    }
  }
}
