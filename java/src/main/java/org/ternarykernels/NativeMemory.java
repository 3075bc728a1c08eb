package org.ternarykernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.ternarykernels.binding.Memory;

/**
 * A block of native memory, aligned to 64 bytes and zeroed. It is malloc's and not JavaCPP's or the
 * JDK's: JavaCPP would refuse it once the process is larger than four heaps, and a direct buffer
 * ends at 2 GB.
 */
final class NativeMemory {
  private static final long ALIGNMENT = 64;

  private final long address;

  private NativeMemory(long address) {
    this.address = address;
  }

  /** Allocates memory that is freed by {@link #free()} alone. */
  static NativeMemory allocate(long bytes) {
    long size = Math.max(ALIGNMENT, bytes + (ALIGNMENT - 1) & -ALIGNMENT);
    long address = size < bytes ? 0 : Memory.allocate(ALIGNMENT, size);
    if (address == 0) {
      throw new TernaryException("no native memory for " + bytes + " bytes");
    }
    Memory.fill(address, 0, size);
    return new NativeMemory(address);
  }

  /** Memory with a copy of the values. */
  static NativeMemory of(float[] values) {
    NativeMemory memory = allocate((long) values.length * Float.BYTES);
    int window = Integer.MAX_VALUE / Float.BYTES; // floats that one view reaches
    for (long from = 0; from < values.length; from += window) {
      int count = (int) Math.min(window, values.length - from);
      view(memory.address + from * Float.BYTES, count * Float.BYTES)
          .asFloatBuffer()
          .put(values, (int) from, count);
    }
    return memory;
  }

  long address() {
    return address;
  }

  void free() {
    Memory.free(address);
  }

  /** A view of memory that somebody else keeps alive, in native byte order. */
  static ByteBuffer view(long address, int bytes) {
    return Memory.view(address, bytes).order(ByteOrder.nativeOrder());
  }

  /** The zero-terminated UTF-8 string at an address. */
  static String string(long address) {
    if (address == 0) {
      return "";
    }
    return StandardCharsets.UTF_8
        .decode(view(address, (int) Memory.textLength(address)))
        .toString();
  }
}
