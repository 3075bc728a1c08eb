package org.ternarykernels.fuzz;

import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/** Buffers and pointers of every kind: heap, direct, mapped, sliced, read-only, closed. */
final class Memories {
  private Memories() {}

  static Buffer buffer(Values values, ScratchFiles files, Class<?> type) throws IOException {
    if (values.chance(0.1)) {
      return files.content(values.others());
    }
    if (values.chance(0.05)) {
      return files.mapped();
    }
    ByteBuffer bytes = bytes(values);
    if (type == ByteBuffer.class) {
      return bytes;
    }
    return switch (values.below(9)) {
      case 0 -> bytes.asFloatBuffer();
      case 1 -> bytes.asShortBuffer();
      case 2 -> bytes.asIntBuffer();
      case 3 -> bytes.asLongBuffer();
      case 4 -> bytes.asDoubleBuffer();
      case 5 -> bytes.asCharBuffer();
      default -> bytes;
    };
  }

  private static ByteBuffer bytes(Values values) {
    byte[] content = values.bytes(values.length() + values.below(8));
    ByteBuffer made =
        values.chance(0.8)
            ? ByteBuffer.allocateDirect(content.length)
            : ByteBuffer.allocate(content.length);
    made.put(content).clear();
    ByteOrder order = values.chance(0.7) ? ByteOrder.nativeOrder() : ByteOrder.BIG_ENDIAN;
    if (values.chance(0.3) && content.length > 0) {
      made.position(values.below(content.length));
      made = values.chance(0.5) ? made.slice() : made;
    }
    if (values.chance(0.2) && made.hasRemaining()) {
      made.limit(made.position() + values.below(made.remaining()));
    }
    return (values.chance(0.15) ? made.asReadOnlyBuffer() : made).order(order);
  }

  /**
   * A memory segment of a JDK that has them, of an arena of any kind, which may be closed already;
   * a text on other JDKs.
   */
  static Object segment(Values values) {
    if (Runtime.version().feature() < 22 || values.chance(0.1)) {
      return "an object";
    }
    try {
      Class<?> type = Class.forName("java.lang.foreign.Arena");
      String kind = values.oneOf("ofConfined", "ofShared", "ofAuto", "global");
      Object arena = type.getMethod(kind).invoke(null);
      Object segment =
          type.getMethod("allocate", long.class, long.class)
              .invoke(arena, (long) values.length(), 8L);
      if (kind.startsWith("of") && !kind.equals("ofAuto") && values.chance(0.3)) {
        type.getMethod("close").invoke(arena);
      }
      return segment;
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /** Always within its memory: for a pointer's range its maker vouches. */
  static Pointer pointer(Values values) {
    int count = 1 + values.below(4000);
    Pointer made =
        switch (values.below(5)) {
          case 0 -> new BytePointer((long) count);
          case 1 -> new FloatPointer((long) count);
          case 2 -> new ShortPointer((long) count);
          case 3 -> new DoublePointer((long) count);
          default -> new BytePointer((Pointer) null);
        };
    if (!made.isNull()) {
      Pointer.memset(made, 0, (long) count * made.sizeof());
      if (values.chance(0.3)) {
        long position = values.below(count);
        made.position(position);
        if (values.chance(0.5)) {
          made.limit(position + values.below((int) (count - position) + 1));
        }
      }
      if (values.chance(0.1)) {
        made.close();
      }
    }
    return made;
  }
}
