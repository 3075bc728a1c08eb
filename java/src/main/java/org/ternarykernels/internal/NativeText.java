package org.ternarykernels.internal;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.ternarykernels.storage.Quoted;

/** Texts of unknown length that native functions write, as JSON is. */
public final class NativeText {
  private NativeText() {}

  /**
   * A native function that writes what fits of a text that ends with a zero, and its length without
   * that.
   */
  public interface Source {
    int write(long handle, long text, long capacity, long length);
  }

  /**
   * A text with file names in it as native code wants it: in the encoding of the file system's
   * names, which is the locale's, with a zero at the end.
   *
   * @throws IllegalArgumentException if that encoding lacks a character
   */
  public static byte[] withFileNames(String text) {
    Charset names = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
    try {
      ByteBuffer bytes = names.newEncoder().encode(CharBuffer.wrap(text + '\0'));
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      return copy;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          Quoted.of(text)
              + " has a character that file names cannot have in this locale, must be of "
              + names,
          e);
    }
  }

  public static String read(Source source, long handle) {
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
