package org.ternarykernels.internal;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * What keeps the memory of a view, and how a call holds off that it is freed: an {@link Allocation}
 * counts its users, a JavaCPP pointer its references, a {@link SegmentMemory} has the JDK's rules,
 * and anything else frees when it is collected.
 */
public final class MemoryOwner {
  private MemoryOwner() {}

  /**
   * The owner as a view keeps it. A pointer that nobody has retained is retained once, so that its
   * {@code close} frees as before, but not during a call.
   */
  public static @Nullable Object of(@Nullable Object owner, long address, long bytes) {
    if (owner instanceof Pointer pointer) {
      synchronized (pointer) {
        if (pointer.referenceCount() == 0 && !pointer.isNull()) {
          pointer.retainReference();
        }
      }
      return pointer;
    }
    return owner != null && SegmentMemory.isSegment(owner)
        ? SegmentMemory.part(owner, address, bytes)
        : owner;
  }

  /** Throws if the memory is known to be gone; {@code name} begins the sentence. */
  public static void checkAlive(@Nullable Object owner, String name) {
    if (owner instanceof Allocation allocation) {
      if (!allocation.handle().isOpen()) {
        throw new IllegalStateException(name + " is memory that is closed, must be open");
      }
    } else if (owner instanceof Pointer pointer) {
      if (pointer.isNull() || pointer.referenceCount() == 0) {
        throw closedPointer(name);
      }
    } else if (owner instanceof SegmentMemory segment) {
      segment.checkUsable(name);
    }
  }

  private static IllegalStateException closedPointer(String name) {
    return new IllegalStateException(
        name + " is a view of a JavaCPP pointer that is closed, must be open");
  }

  /** Keeps the memory until {@link #release}; throws if it is gone. */
  public static void acquire(@Nullable Object owner) {
    if (owner instanceof Allocation allocation) {
      allocation.handle().enter();
    } else if (owner instanceof Pointer pointer) {
      pointer.retainReference();
      // Closed meanwhile if ours is the only reference. -1: JavaCPP does not own the memory.
      if (pointer.isNull() || pointer.referenceCount() == 1) {
        throw closedPointer("the buffer");
      }
    } else if (owner instanceof SegmentMemory segment) {
      segment.checkUsable("the buffer");
    }
  }

  public static void release(@Nullable Object owner) {
    if (owner instanceof Allocation allocation) {
      allocation.handle().release();
    } else if (owner instanceof Pointer pointer) {
      pointer.releaseReference();
    }
    Reference.reachabilityFence(owner);
  }

  /** Keeps the memory as long as a buffer on it, or one derived from that, is reachable. */
  public static void keepWith(ByteBuffer buffer, @Nullable Object owner) {
    if (owner == null) {
      return;
    }
    acquire(owner);
    try {
      NativeHandle.whenCollected(buffer, () -> release(owner));
    } catch (Throwable e) { // no heap for the action
      release(owner);
      throw e;
    }
  }
}
