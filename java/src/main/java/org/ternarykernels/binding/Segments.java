package org.ternarykernels.binding;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * {@code java.lang.foreign.MemorySegment} of JDK 22 and newer, by method handles, because the
 * library is compiled for 17. A segment is an {@code Object} here. Only what {@link #isSegment} is
 * true of may be given to the other functions.
 */
public final class Segments {
  private static final int FIRST_JDK = 22;

  private Segments() {}

  /** Whether this JVM has segments. */
  public static boolean exist() {
    return Runtime.version().feature() >= FIRST_JDK;
  }

  /** Whether an object is a segment. */
  public static boolean isSegment(@Nullable Object object) {
    return object != null && exist() && Handles.SEGMENT.isInstance(object);
  }

  /** The handles, which are looked up once segments are known to exist. */
  private static final class Handles {
    static final Class<?> SEGMENT = Foreign.type("MemorySegment");
    static final MethodHandle IS_NATIVE = method("isNative", boolean.class);
    static final MethodHandle IS_READ_ONLY = method("isReadOnly", boolean.class);
    static final MethodHandle ADDRESS = method("address", long.class);
    static final MethodHandle BYTE_SIZE = method("byteSize", long.class);
    static final MethodHandle BUFFER = method("asByteBuffer", ByteBuffer.class);
    static final MethodHandle SLICE = method("asSlice", SEGMENT, long.class, long.class);
    static final MethodHandle IS_ACCESSIBLE_BY =
        method("isAccessibleBy", boolean.class, Thread.class);
    static final MethodHandle IS_ALIVE =
        MethodHandles.filterReturnValue(
            Foreign.method(SEGMENT, "scope", Foreign.type("MemorySegment$Scope")),
            Foreign.method(Foreign.type("MemorySegment$Scope"), "isAlive", boolean.class));
    static final MethodHandle OF_ADDRESS =
        Foreign.function(SEGMENT, "ofAddress", SEGMENT, long.class);

    private static MethodHandle method(String name, Class<?> result, Class<?>... arguments) {
      return Foreign.method(SEGMENT, name, result, arguments);
    }
  }

  /** Whether it is memory outside of the heap. */
  public static boolean isNative(Object segment) {
    try {
      return (boolean) Handles.IS_NATIVE.invoke(segment);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** Whether it cannot be written. */
  public static boolean isReadOnly(Object segment) {
    try {
      return (boolean) Handles.IS_READ_ONLY.invoke(segment);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** The address of a native segment. */
  public static long address(Object segment) {
    try {
      return (long) Handles.ADDRESS.invoke(segment);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** Its bytes. */
  public static long byteSize(Object segment) {
    try {
      return (long) Handles.BYTE_SIZE.invoke(segment);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** Whether a thread may access it; one of a confined arena is its owner's. */
  public static boolean isAccessibleBy(Object segment, Thread thread) {
    try {
      return (boolean) Handles.IS_ACCESSIBLE_BY.invoke(segment, thread);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** Whether its arena is open. */
  public static boolean isAlive(Object segment) {
    try {
      return (boolean) Handles.IS_ALIVE.invoke(segment);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** A part of it. */
  public static Object slice(Object segment, long offset, long bytes) {
    try {
      return Handles.SLICE.invoke(segment, offset, bytes);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** A buffer on it, whose accesses are checked against the arena as the segment's are. */
  public static ByteBuffer buffer(Object segment) {
    try {
      return (ByteBuffer) Handles.BUFFER.invoke(segment);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }

  /** A segment of no bytes at an address, which native functions take for a pointer. */
  public static Object ofAddress(long address) {
    try {
      return Handles.OF_ADDRESS.invoke(address);
    } catch (Throwable e) {
      throw Foreign.unchecked(e);
    }
  }
}
