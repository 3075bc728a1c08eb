package org.ternarykernels.tool.peer;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;

/**
 * The functions of {@code peer_library.h}, which says what they do. JavaCPP writes the source of
 * the JNI functions from this class, and CMake compiles it (jmh/src/main/native). Pointers are
 * numbers, as in the library's own binding: what is timed then costs 19 ns besides the call.
 */
@NoException // C
@Platform(include = "peer_library.h", library = "jniternary_peer")
final class PeerBinding {
  private static final String LIBRARY = "libjniternary_peer.so";

  static {
    load();
  }

  private PeerBinding() {}

  /**
   * From the tool's jar, by a file that lives until it is loaded. JavaCPP's own loader would keep
   * the file and know a new one by its size and date, which in reproducible builds are the same.
   */
  private static void load() {
    String resource = Loader.getPlatform() + "/" + LIBRARY;
    try (InputStream in = PeerBinding.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new UnsatisfiedLinkError("the tool's jar has no " + resource);
      }
      Path file = Files.createTempFile(Loader.getCacheDir().toPath(), "peer", LIBRARY);
      try {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        System.load(file.toString());
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UnsatisfiedLinkError(LIBRARY + " cannot be unpacked: " + e.getMessage());
    }
  }

  static native @Cast("PeerLibrary*") long peer_library_open(String path);

  static native String peer_library_problem();

  static native String peer_library_description(@Cast("const PeerLibrary*") long library);

  static native @Cast("void*") long peer_library_create(
      @Cast("const PeerLibrary*") long library,
      @Cast("const int8_t*") long w,
      @Cast("int64_t") long n,
      @Cast("int64_t") long k,
      float alpha,
      @Cast("int32_t") int threads);

  static native @Cast("int32_t") int peer_library_run(
      @Cast("const PeerLibrary*") long library,
      @Cast("void*") long peer,
      @Cast("const float*") long x,
      @Cast("int64_t") long m,
      @Cast("float*") long y);

  static native void peer_library_free(
      @Cast("const PeerLibrary*") long library, @Cast("void*") long peer);

  static native String peer_library_error(@Cast("const PeerLibrary*") long library);
}
