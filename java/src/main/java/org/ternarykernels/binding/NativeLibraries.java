package org.ternarykernels.binding;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Finds the natives of this platform and loads them, once a class loader. Only success is
 * remembered: a full disk, an interrupt or a property that was set too late fails the call that met
 * it and no later one.
 */
public final class NativeLibraries {
  static final String SUPPORTED = "supported is Linux on x86-64 with glibc 2.28 or newer";

  /**
   * A folder with natives that were extracted beforehand, by {@code org.ternarykernels.Natives}.
   */
  public static final String PATH_PROPERTY = "ternary.library.path";

  /** The library that is loaded; the core is inside and opens the backends. */
  static final String JNI = "libjniternary.so";

  /** What the main jar holds. */
  static final List<String> FILES = List.of("libternary_cpu.so", JNI);

  private static volatile boolean loaded;

  /** Where the natives lie; written before {@link #loaded}. */
  private static @Nullable Path folder;

  private NativeLibraries() {}

  /**
   * Loads the natives if they are not.
   *
   * @throws UnsatisfiedLinkError if that fails, with the reason and the way out; the next call
   *     tries again
   */
  public static void require() {
    if (!loaded) {
      load();
    }
  }

  private static synchronized void load() {
    if (loaded) {
      return;
    }
    try {
      checkName();
      String platform = Platforms.current();
      Path found = provide(platform);
      int copy = LoadedCopies.ofThisLoader();
      LoadedCopies.load(found.resolve(JNI), copy);
      configure(found, copy);
      folder = found;
      loaded = true;
    } catch (IOException e) {
      throw error("the native libraries cannot be extracted: " + e.getMessage(), e);
    } catch (InvalidPathException e) {
      throw error(
          "the folder \""
              + e.getInput()
              + "\" cannot be named in this process's locale (sun.jnu.encoding is "
              + System.getProperty("sun.jnu.encoding")
              + "): "
              + e.getMessage()
              + NativeCache.ADVICE,
          e);
    } catch (SecurityException | IllegalCallerException e) {
      throw error(
          "native code is denied to the library: "
              + e.getMessage()
              + "; run java with --enable-native-access=ALL-UNNAMED, or on the module path"
              + " --enable-native-access=org.ternarykernels",
          e);
    }
  }

  /** A folder with all the files: the one that the property names, or one in the cache. */
  private static Path provide(String platform) throws IOException {
    String given = System.getProperty(PATH_PROPERTY, "");
    if (!given.isEmpty()) {
      Path installed = Path.of(given).toAbsolutePath();
      for (String name : FILES) {
        InstalledFiles.check(
            installed.resolve(name), PlainFiles.Content.of(resource(platform + "/" + name)));
      }
      return installed;
    }
    // The CUDA jar's contents are part of the folder's name: its libraries join these when they are
    // first needed.
    return NativeCache.ofProcess()
        .extract(version(), files(platform), CudaLibraries.contents(platform));
  }

  private static void configure(Path found, int copy) {
    // The folder's name as the file system has it, for dlopen.
    Charset names = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
    byte @Nullable [] refusal = configureNative((found + "\0").getBytes(names), copy);
    if (refusal != null) {
      throw error(found + " cannot be used: " + new String(refusal, StandardCharsets.UTF_8), null);
    }
  }

  /** Tells the core, once, where its backends are and which copy it is; null or what it says. */
  private static native byte @Nullable [] configureNative(byte[] folder, int copy);

  /** The natives of the jar, by name. */
  static Map<String, byte[]> files(String platform) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    for (String name : FILES) {
      files.put(name, resource(platform + "/" + name));
    }
    return files;
  }

  static String version() throws IOException {
    return new String(resource("version.txt"), StandardCharsets.UTF_8).strip();
  }

  /** Whether the natives are those of {@link #PATH_PROPERTY}, where nothing is ever written. */
  static boolean installed() {
    return !System.getProperty(PATH_PROPERTY, "").isEmpty();
  }

  /** Where the natives of this process lie. */
  static Path folder() {
    require();
    return Objects.requireNonNull(folder);
  }

  /** Which of the process's class loaders with the library this is: 1 for the first. */
  public static int copy() {
    return LoadedCopies.ofThisLoader();
  }

  /** Names of native functions are compiled in, so a relocated class cannot have any. */
  private static void checkName() {
    String built = String.join(".", "org", "ternarykernels", "binding", "NativeLibraries");
    String own = NativeLibraries.class.getName();
    if (!own.equals(built)) {
      throw error(
          "the package "
              + own.substring(0, own.lastIndexOf('.'))
              + " was relocated, which native code does not survive; do not relocate "
              + String.join(".", "org", "ternarykernels")
              + " when shading",
          null);
    }
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = NativeLibraries.class.getResourceAsStream(name)) {
      if (in == null) {
        throw error(name + " is not in the jar; " + SUPPORTED, null);
      }
      return in.readAllBytes();
    }
  }

  /** Whether the JVM refused a library because it has given the file to another class loader. */
  public static boolean isTaken(Throwable refusal) {
    return String.valueOf(refusal.getMessage()).contains("already loaded in another classloader");
  }

  static UnsatisfiedLinkError error(String sentence, @Nullable Throwable cause) {
    UnsatisfiedLinkError error = new UnsatisfiedLinkError(sentence);
    error.initCause(cause);
    return error;
  }
}
