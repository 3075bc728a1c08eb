package org.ternarykernels.internal;

import java.nio.ByteBuffer;

/** Native memory for the length of one call, off the hot path. */
public final class Scratch implements AutoCloseable {
  private static final int WINDOW = 1 << 30;

  private final NativeMemory memory;

  /** Made before native code writes, so that reading a result cannot fail for want of heap. */
  private final ByteBuffer first;

  private Scratch(NativeMemory memory) {
    this.memory = memory;
    this.first = NativeMemory.view(memory.address(), (int) Math.min(WINDOW, memory.bytes()));
  }

  private static Scratch of(NativeMemory memory) {
    try {
      return new Scratch(memory);
    } catch (Throwable e) { // no heap
      memory.free();
      throw e;
    }
  }

  public static Scratch ofBytes(long bytes) {
    return of(NativeMemory.allocate(bytes));
  }

  public static Scratch copyOf(byte[] values) {
    return ofBytes(values.length).fill(values);
  }

  public static Scratch copyOf(float[] values) {
    return of(NativeMemory.of(values));
  }

  /** For codes on their way to weights or from them: outside of {@link MemoryBudget}, as they. */
  public static Scratch forWeights(long bytes) {
    return of(NativeMemory.forWeights(bytes));
  }

  public static Scratch forWeights(byte[] values) {
    return forWeights(values.length).fill(values);
  }

  public static Scratch forWeights(float[] values) {
    return of(NativeMemory.forWeights(values));
  }

  private Scratch fill(byte[] values) {
    try {
      NativeMemory.view(address(), values.length).put(values);
      return this;
    } catch (Throwable e) { // no heap for the view
      close();
      throw e;
    }
  }

  public long address() {
    return memory.address();
  }

  public long readLong() {
    return first.getLong(0);
  }

  public int readInt() {
    return first.getInt(0);
  }

  public byte[] readBytes(int count) {
    byte[] bytes = new byte[count];
    NativeMemory.view(address(), count).get(bytes);
    return bytes;
  }

  /** A view of the bytes from `offset`, at most a window of them and never beyond `size`. */
  public ByteBuffer window(long offset, long size) {
    return NativeMemory.view(address() + offset, (int) Math.min(WINDOW, size - offset));
  }

  @Override
  public void close() {
    memory.free();
  }
}
