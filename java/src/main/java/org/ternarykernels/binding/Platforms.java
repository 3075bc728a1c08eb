package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Names the platform as JavaCPP does, and refuses those that there are no natives for. */
final class Platforms {
  private Platforms() {}

  static String current() {
    return of(System.getProperty("os.name"), System.getProperty("os.arch"), mappings());
  }

  /**
   * The platform's name.
   *
   * @param mappings the process's mapped files, which tell musl from glibc
   * @throws UnsatisfiedLinkError if there are no natives for it
   */
  static String of(String os, String arch, String mappings) {
    String system = os.toLowerCase(Locale.ROOT);
    String machine = arch.toLowerCase(Locale.ROOT);
    if (!system.equals("linux") || !(machine.equals("amd64") || machine.equals("x86_64"))) {
      throw NativeLibraries.error(
          "there are no native libraries for "
              + os
              + " on "
              + arch
              + "; "
              + NativeLibraries.SUPPORTED,
          null);
    }
    if (mappings.contains("/ld-musl-") || mappings.contains("/libc.musl-")) {
      throw NativeLibraries.error(
          "there are no native libraries for Linux with musl; " + NativeLibraries.SUPPORTED, null);
    }
    return "linux-x86_64";
  }

  private static String mappings() {
    try {
      return Files.readString(Path.of("/proc/self/maps"));
    } catch (IOException | SecurityException e) {
      return ""; // no /proc: let the linker decide
    }
  }
}
