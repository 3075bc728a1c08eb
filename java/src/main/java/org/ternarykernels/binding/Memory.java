package org.ternarykernels.binding;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Native memory, by functions written by hand in {@code java/src/main/cpp/memory.cc}. Every way
 * from Java to the native libraries begins here, by memory for what is passed or returned, so this
 * is where they are loaded.
 */
public final class Memory {
  private Memory() {}

  /** Memory of malloc's, not initialised; 0 if there is none. */
  public static long allocate(long alignment, long bytes) {
    NativeLibraries.require();
    return allocateNative(alignment, bytes);
  }

  /** Frees what {@link #allocate} gave; 0 is ignored. */
  public static void free(long address) {
    NativeLibraries.require();
    freeNative(address);
  }

  /** Sets every byte. */
  public static void fill(long address, int value, long bytes) {
    NativeLibraries.require();
    fillNative(address, value, bytes);
  }

  /** Bytes of a zero-terminated text, without the zero. */
  public static long textLength(long address) {
    NativeLibraries.require();
    return textLengthNative(address);
  }

  /** Where a direct buffer begins, whatever its position; 0 for a heap buffer. */
  public static long address(Buffer buffer) {
    NativeLibraries.require();
    return addressNative(buffer);
  }

  /** A view of memory that somebody else keeps alive. */
  public static ByteBuffer view(long address, int bytes) {
    NativeLibraries.require();
    return viewNative(address, bytes);
  }

  /** The segment that a direct buffer was made of, if it was and the JDK tells; else null. */
  public static @Nullable Object segment(Buffer buffer) {
    NativeLibraries.require();
    return segmentNative(buffer);
  }

  /**
   * The address of a function of {@code operands.h} with operands.
   *
   * @throws UnsatisfiedLinkError if it has none of the name
   */
  public static long function(String name) {
    NativeLibraries.require();
    long address = functionNative(name);
    if (address == 0) {
      throw new UnsatisfiedLinkError("operands.h holds no function " + name);
    }
    return address;
  }

  private static native long allocateNative(long alignment, long bytes);

  private static native void freeNative(long address);

  private static native void fillNative(long address, int value, long bytes);

  private static native long textLengthNative(long address);

  private static native long addressNative(Buffer buffer);

  private static native ByteBuffer viewNative(long address, long bytes);

  private static native @Nullable Object segmentNative(Buffer buffer);

  private static native long functionNative(String name);
}
