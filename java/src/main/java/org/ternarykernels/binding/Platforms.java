package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;

/** Names the platform as JavaCPP does, and refuses those that there are no natives for. */
final class Platforms {
  /** A mapped file that is musl's C library by its own name, whatever its folder is called. */
  private static final Pattern MUSL =
      Pattern.compile(
          "/(ld-musl-[^/\n]*\\.so[^/\n]*|libc\\.musl-[^/\n]*\\.so[^/\n]*)$", Pattern.MULTILINE);

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
    if (MUSL.matcher(mappings).find()) {
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
