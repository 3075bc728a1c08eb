package org.ternarykernels.binding;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Finds the natives of this platform in the jar, has them extracted and loads them. */
final class NativeLibraries {
  static final String SUPPORTED = "supported is Linux on x86-64 with glibc 2.28 or newer";

  /** The two to load, in order; the first opens the backends that lie beside it. */
  private static final List<String> LOADED = List.of("libternary.so", "libjniternary.so");

  private static final List<String> FILES =
      List.of("libternary.so", "libternary_cpu.so", "libjniternary.so");

  /** Where they were extracted to; written once, before any other class of this package can ask. */
  private static Path folder;

  private NativeLibraries() {}

  static void load() {
    String platform = Platforms.current();
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (String name : FILES) {
      files.put(name, resource(platform + "/" + name));
    }
    try {
      String version = new String(resource("version.txt"), StandardCharsets.UTF_8).strip();
      // The CUDA jar's contents are part of the folder's name: its libraries join these when they
      // are first needed.
      folder = NativeCache.ofProcess().extract(version, files, CudaLibraries.contents(platform));
    } catch (IOException e) {
      throw error("the native libraries cannot be extracted: " + e.getMessage(), e);
    }
    for (String name : LOADED) {
      try {
        System.load(folder.resolve(name).toString());
      } catch (
          UnsatisfiedLinkError e) { // an old glibc, or a folder on a file system mounted noexec
        throw error(
            folder.resolve(name)
                + " cannot be loaded: "
                + e.getMessage()
                + "; "
                + SUPPORTED
                + NativeCache.ADVICE,
            e);
      }
    }
  }

  /** Where the natives of this process lie. */
  static Path folder() {
    return folder;
  }

  private static byte[] resource(String name) {
    try (InputStream in = NativeLibraries.class.getResourceAsStream(name)) {
      if (in == null) {
        throw error(name + " is not in the jar; " + SUPPORTED, null);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw error(name + " cannot be read from the jar: " + e.getMessage(), e);
    }
  }

  static UnsatisfiedLinkError error(String sentence, Throwable cause) {
    UnsatisfiedLinkError error = new UnsatisfiedLinkError(sentence);
    error.initCause(cause);
    return error;
  }
}
