package org.ternarykernels.natives;

import java.io.IOException;
import java.io.InputStream;

/**
 * Native libraries in a jar of their own, found by {@link java.util.ServiceLoader}. They are
 * extracted beside the library's own when they are first needed.
 */
public interface NativeFiles {
  /**
   * The platform that the libraries are for.
   *
   * @return JavaCPP's name of it, for example {@code linux-x86_64}
   */
  String platform();

  /**
   * What is in the jar.
   *
   * @return a line for each library: its SHA-256 in hexadecimal, a space, its file name
   * @throws IOException if it cannot be read
   */
  String contents() throws IOException;

  /**
   * Opens a library.
   *
   * @param name one of {@link #contents()}
   * @return its bytes; the caller closes the stream
   * @throws IOException if there is no such library or it cannot be read
   */
  InputStream open(String name) throws IOException;
}
