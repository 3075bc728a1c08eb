package org.ternarykernels.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.ternarykernels.binding.Segments;

/**
 * Memory of a {@code MemorySegment}, which its arena may close at any moment. Java code reaches it
 * through the segment, whose accesses the JDK checks. Native code reaches one of a confined arena
 * in the owner's thread, which cannot close it meanwhile, and any other through the JDK's linker,
 * which holds the arena open during the call.
 */
public final class SegmentMemory {
  /** Never started: what it may access is not confined to a thread. */
  private static final Thread STRANGER = new Thread("org.ternarykernels.stranger");

  private final Object segment;
  private final boolean confined;

  private SegmentMemory(Object segment) {
    this.segment = segment;
    this.confined = !Segments.isAccessibleBy(segment, STRANGER);
  }

  static boolean isSegment(Object object) {
    return Segments.isSegment(object);
  }

  /** A part of a segment, which is checked: native and alive. */
  static SegmentMemory part(Object segment, long address, long bytes) {
    if (!Segments.isNative(segment)) {
      throw onHeap();
    }
    long start = Segments.address(segment);
    long size = Segments.byteSize(segment);
    if (address < start || bytes > size - (address - start)) {
      throw new IllegalArgumentException(
          "the memory is "
              + bytes
              + " bytes at 0x"
              + Long.toHexString(address)
              + ", must lie within its segment of "
              + size
              + " at 0x"
              + Long.toHexString(start));
    }
    SegmentMemory memory = new SegmentMemory(Segments.slice(segment, address - start, bytes));
    memory.checkUsable("the segment");
    return memory;
  }

  public static IllegalArgumentException onHeap() {
    return new IllegalArgumentException("the segment is on the heap, must be native");
  }

  /** The same memory's part that a slice of a view has. */
  public SegmentMemory part(long address, long bytes) {
    return part(segment, address, bytes);
  }

  /** Whether a call must go through the linker. */
  public boolean isShared() {
    return !confined;
  }

  public Object segment() {
    return segment;
  }

  void checkUsable(String name) {
    if (!Segments.isAlive(segment)) {
      throw new IllegalStateException(name + " is memory of an arena that is closed, must be open");
    }
    if (confined && !Segments.isAccessibleBy(segment, Thread.currentThread())) {
      throw new IllegalStateException(
          name
              + " is memory of another thread's confined arena, used by "
              + Thread.currentThread().getName()
              + ", must be used by the thread that owns it");
    }
  }

  /** A window whose accesses the JDK checks. */
  public ByteBuffer window(long offset, long bytes) {
    return Segments.buffer(Segments.slice(segment, offset, bytes)).order(ByteOrder.nativeOrder());
  }
}
