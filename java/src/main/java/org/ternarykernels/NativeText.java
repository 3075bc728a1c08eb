package org.ternarykernels;

import java.nio.charset.StandardCharsets;

/** Texts of unknown length that native functions write, as JSON is. */
final class NativeText {
  private NativeText() {}

  /**
   * A native function that writes what fits of a text that ends with a zero, and its length without
   * that.
   */
  interface Source {
    int write(long handle, long text, long capacity, long length);
  }

  static String read(Source source, long handle) {
    try (Scratch length = Scratch.ofBytes(Long.BYTES)) {
      Status.check(source.write(handle, 0, 0, length.address()));
      while (true) {
        // Counters may grow between the two calls, hence the loop and the margin.
        int capacity = Math.toIntExact(length.readLong() + 256);
        try (Scratch text = Scratch.ofBytes(capacity)) {
          Status.check(source.write(handle, text.address(), capacity, length.address()));
          if (length.readLong() < capacity) {
            return StandardCharsets.UTF_8.decode(text.window(0, length.readLong())).toString();
          }
        }
      }
    }
  }
}
