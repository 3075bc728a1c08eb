package org.ternarykernels.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.ternarykernels.TernaryException;
import org.ternarykernels.binding.Memory;

/**
 * A block of native memory, aligned to 64 bytes. It is malloc's and not JavaCPP's or the JDK's:
 * JavaCPP would refuse it once the process is larger than four heaps, and a direct buffer ends at 2
 * GB. {@link MemoryBudget} limits it instead.
 */
public final class NativeMemory {
  private static final long ALIGNMENT = 64;

  /** How long an allocation waits for forgotten buffers to be collected and freed. */
  private static final long MOST_WAIT = TimeUnit.MILLISECONDS.toNanos(1000);

  /** Threads that wait at once share a collection instead of asking for one each. */
  private static final long COLLECTION_SERVES = TimeUnit.MILLISECONDS.toNanos(200);

  private static final AtomicLong LAST_COLLECTION =
      new AtomicLong(System.nanoTime() - COLLECTION_SERVES);

  private final long bytes;
  private final boolean counted;
  private long address;

  private NativeMemory(long bytes, boolean counted) {
    this.bytes = bytes;
    this.counted = counted;
  }

  /** Allocates zeroed memory of the budget that is freed by {@link #free()} alone. */
  public static NativeMemory allocate(long bytes) {
    return zeroed(allocate(bytes, true));
  }

  /** The same with any content. */
  static NativeMemory uninitialised(long bytes) {
    return allocate(bytes, true);
  }

  /** Zeroed memory for codes and scales on their way to weights, outside of the budget. */
  static NativeMemory forWeights(long bytes) {
    return zeroed(allocate(bytes, false));
  }

  private static NativeMemory zeroed(NativeMemory memory) {
    Memory.fill(memory.address, 0, memory.bytes);
    return memory;
  }

  private static NativeMemory allocate(long bytes, boolean counted) {
    long size = Math.max(ALIGNMENT, bytes + (ALIGNMENT - 1) & -ALIGNMENT);
    if (size < bytes || counted && size > MemoryBudget.limit()) {
      throw noMemory(bytes, counted); // no collection can help
    }
    NativeMemory memory = new NativeMemory(size, counted); // first: the heap may have no room
    memory.address = tryAllocate(size, counted);
    for (long start = System.nanoTime(), wait = 1;
        memory.address == 0 && System.nanoTime() - start < MOST_WAIT;
        wait = Math.min(2 * wait, 64)) {
      collect();
      pause(wait);
      memory.address = tryAllocate(size, counted);
    }
    if (memory.address == 0) {
      throw noMemory(bytes, counted);
    }
    return memory;
  }

  /** 0 if the budget or malloc has none. */
  private static long tryAllocate(long size, boolean counted) {
    if (counted && !MemoryBudget.take(size)) {
      return 0;
    }
    long address = Memory.allocate(ALIGNMENT, size);
    if (address == 0 && counted) {
      MemoryBudget.release(size);
    }
    return address;
  }

  /** Buffers that nobody reaches are freed after a collection; nothing else tells the collector. */
  private static void collect() {
    long now = System.nanoTime();
    long last = LAST_COLLECTION.get();
    if (now - last >= COLLECTION_SERVES && LAST_COLLECTION.compareAndSet(last, now)) {
      System.gc();
    }
  }

  /** An interrupt neither ends the wait nor is lost. */
  private static void pause(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.interrupted();
      try {
        Thread.sleep(milliseconds);
      } catch (InterruptedException again) {
        // The flag is set below.
      }
      Thread.currentThread().interrupt();
    }
  }

  private static TernaryException noMemory(long bytes, boolean counted) {
    String asked = "no native memory for " + bytes + " bytes";
    if (!counted) {
      return new TernaryException(asked);
    }
    return new TernaryException(
        asked
            + ": buffers and scratch hold "
            + MemoryBudget.held()
            + " and may hold "
            + MemoryBudget.limit()
            + "; close buffers that are done with, or raise "
            + RuntimeSettings.property(MemoryBudget.SETTING)
            + " (default: the heap's limit -Xmx)");
  }

  /** Memory of the budget with a copy of the values. */
  public static NativeMemory of(float[] values) {
    return filled(allocate((long) values.length * Float.BYTES, true), values);
  }

  /** A copy of scales on their way to weights, outside of the budget. */
  static NativeMemory forWeights(float[] values) {
    return filled(allocate((long) values.length * Float.BYTES, false), values);
  }

  private static NativeMemory filled(NativeMemory memory, float[] values) {
    try {
      memory.put(values);
      return memory;
    } catch (Throwable e) { // no heap for a view
      memory.free();
      throw e;
    }
  }

  /** Copies values to the start. */
  void put(float[] values) {
    int window = Integer.MAX_VALUE / Float.BYTES; // floats that one view reaches
    for (long from = 0; from < values.length; from += window) {
      int count = (int) Math.min(window, values.length - from);
      view(address + from * Float.BYTES, count * Float.BYTES)
          .asFloatBuffer()
          .put(values, (int) from, count);
    }
  }

  public long address() {
    return address;
  }

  long bytes() {
    return bytes;
  }

  public void free() {
    Memory.free(address);
    if (counted) {
      MemoryBudget.release(bytes);
    }
  }

  /** A view of memory that somebody else keeps alive, in native byte order. */
  public static ByteBuffer view(long address, int bytes) {
    return Memory.view(address, bytes).order(ByteOrder.nativeOrder());
  }

  /** The zero-terminated UTF-8 string at an address. */
  public static String string(long address) {
    if (address == 0) {
      return "";
    }
    return StandardCharsets.UTF_8
        .decode(view(address, (int) Memory.textLength(address)))
        .toString();
  }
}
