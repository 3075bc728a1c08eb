package org.ternarykernels;

import java.nio.ByteBuffer;

/** Native memory for the length of one call, off the hot path. */
final class Scratch implements AutoCloseable {
  private static final int WINDOW = 1 << 30;

  private final NativeMemory memory;

  private Scratch(NativeMemory memory) {
    this.memory = memory;
  }

  static Scratch ofBytes(long bytes) {
    return new Scratch(NativeMemory.allocate(bytes));
  }

  static Scratch copyOf(byte[] values) {
    Scratch scratch = ofBytes(values.length);
    NativeMemory.view(scratch.address(), values.length).put(values);
    return scratch;
  }

  static Scratch copyOf(float[] values) {
    return new Scratch(NativeMemory.of(values));
  }

  long address() {
    return memory.address();
  }

  long readLong() {
    return NativeMemory.view(address(), Long.BYTES).getLong(0);
  }

  int readInt() {
    return NativeMemory.view(address(), Integer.BYTES).getInt(0);
  }

  byte[] readBytes(int count) {
    byte[] bytes = new byte[count];
    NativeMemory.view(address(), count).get(bytes);
    return bytes;
  }

  /** A view of the bytes from `offset`, at most a window of them and never beyond `size`. */
  ByteBuffer window(long offset, long size) {
    return NativeMemory.view(address() + offset, (int) Math.min(WINDOW, size - offset));
  }

  @Override
  public void close() {
    memory.free();
  }
}
