package org.ternarykernels.binding;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.natives.NativeFiles;

/**
 * Puts the libraries of the CUDA jar, where that jar is present, beside {@code libternary.so},
 * which opens them there.
 */
public final class CudaLibraries {
  /**
   * For tests: a folder with a {@code libcudart.so.13} and a {@code libcuda.so.1} that are loaded
   * in place of the real ones, those of the software GPU.
   */
  public static final String RUNTIME_PROPERTY = "ternary.cuda.runtime";

  /** What the jar with them is called in sentences. */
  public static final String JAR =
      "the jar of ternary-kernels with the classifier linux-x86_64-cuda";

  private static final Pattern FILE_NAME = Pattern.compile("lib[A-Za-z0-9_.]+");

  private static boolean provided;

  private CudaLibraries() {}

  /**
   * Extracts the libraries of the CUDA jar, once a process, and loads the runtime that {@link
   * #RUNTIME_PROPERTY} names. Does nothing without either.
   *
   * @throws UnsatisfiedLinkError if they cannot be extracted or loaded
   */
  public static synchronized void provide() {
    if (provided) {
      return;
    }
    Path folder = NativeLibraries.folder();
    String runtime = System.getProperty(RUNTIME_PROPERTY, "");
    if (!runtime.isEmpty()) {
      // In this order: the second needs the first, and what is loaded is found by its soname ever
      // after.
      for (String name : new String[] {"libcuda.so.1", "libcudart.so.13"}) {
        Path library = Path.of(runtime).toAbsolutePath().resolve(name);
        if (!Files.exists(library)) {
          throw NativeLibraries.error(
              RUNTIME_PROPERTY + " is \"" + runtime + "\", must be a folder with " + name, null);
        }
        loadOnce(library);
      }
    }
    NativeFiles files = find(Platforms.current());
    if (files != null) {
      try {
        extract(files, folder);
      } catch (IOException e) {
        throw NativeLibraries.error("the CUDA libraries cannot be extracted: " + e.getMessage(), e);
      }
    }
    provided = true;
  }

  /**
   * Provides them if a runtime's setting asks for a GPU.
   *
   * @param device the setting: cpu, auto, cuda or cuda:N
   * @return what to say to a user for whom no GPU serves, after what native code says: empty if
   *     there is nothing
   * @throws UnsatisfiedLinkError if they cannot be extracted or loaded and the setting is not auto
   */
  public static String provideFor(String device) {
    if (device.equals("cpu")) {
      return "";
    }
    try {
      provide();
    } catch (UnsatisfiedLinkError e) {
      if (device.equals("auto")) {
        return "; " + e.getMessage();
      }
      throw e;
    }
    return present() ? "" : "; " + JAR + " is not on the class path";
  }

  /** Whether there is such a jar. */
  public static boolean present() {
    return find(Platforms.current()) != null;
  }

  /** What is in the CUDA jar; empty if there is none. */
  static String contents(String platform) throws IOException {
    NativeFiles files = find(platform);
    return files == null ? "" : files.contents();
  }

  /** What another class loader has loaded is found by its soname too. */
  private static void loadOnce(Path library) {
    try {
      System.load(library.toString());
    } catch (UnsatisfiedLinkError e) {
      if (!NativeLibraries.isTaken(e)) {
        throw e;
      }
    }
  }

  /** The libraries of the CUDA jar by name; none without that jar. */
  static Map<String, byte[]> files(String platform) throws IOException {
    Map<String, byte[]> result = new LinkedHashMap<>();
    NativeFiles files = find(platform);
    if (files != null) {
      for (String name : names(files)) {
        try (InputStream in = files.open(name)) {
          result.put(name, in.readAllBytes());
        }
      }
    }
    return result;
  }

  private static @Nullable NativeFiles find(String platform) {
    try {
      for (NativeFiles files :
          ServiceLoader.load(NativeFiles.class, NativeFiles.class.getClassLoader())) {
        if (files.platform().equals(platform)) {
          return files;
        }
      }
    } catch (ServiceConfigurationError e) {
      throw NativeLibraries.error("the CUDA libraries cannot be found: " + e.getMessage(), e);
    }
    return null;
  }

  private static void extract(NativeFiles files, Path folder) throws IOException {
    for (String name : names(files)) {
      PlainFiles.Content content = () -> files.open(name);
      if (NativeLibraries.installed()) {
        InstalledFiles.check(folder.resolve(name), content);
      } else {
        NativeCache.add(folder, name, content);
      }
    }
  }

  private static List<String> names(NativeFiles files) throws IOException {
    List<String> names = new ArrayList<>();
    for (String line : files.contents().lines().toList()) {
      String name = line.substring(line.indexOf(' ') + 1).strip();
      if (!FILE_NAME.matcher(name).matches()) {
        throw new IOException("the name of a library is \"" + name + "\", must match " + FILE_NAME);
      }
      names.add(name);
    }
    return names;
  }
}
