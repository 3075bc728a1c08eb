package org.ternarykernels.internal;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.ShortBuffer;
import org.ternarykernels.DataType;

/** What a direct buffer must be to hold elements of a type. */
public final class NioBuffers {
  private NioBuffers() {}

  /** The buffer's own byte order; the machine's for kinds that {@link #check} refuses. */
  public static ByteOrder order(Buffer buffer) {
    if (buffer instanceof ByteBuffer bytes) {
      return bytes.order();
    }
    if (buffer instanceof FloatBuffer floats) {
      return floats.order();
    }
    if (buffer instanceof IntBuffer ints) {
      return ints.order();
    }
    return buffer instanceof ShortBuffer shorts ? shorts.order() : ByteOrder.nativeOrder();
  }

  /** Bytes of one element of the buffer. */
  public static int elementBytes(Buffer buffer) {
    if (buffer instanceof ByteBuffer) {
      return 1;
    }
    return buffer instanceof ShortBuffer ? Short.BYTES : Float.BYTES;
  }

  public static void check(Buffer buffer, DataType type, ByteOrder order) {
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          "the buffer is " + buffer.getClass().getSimpleName() + " on the heap, must be direct");
    }
    boolean fits =
        buffer instanceof ByteBuffer
            || buffer instanceof FloatBuffer && type == DataType.F32
            || buffer instanceof IntBuffer && type == DataType.I32
            || buffer instanceof ShortBuffer && (type == DataType.F16 || type == DataType.BF16);
    if (!fits) {
      throw new IllegalArgumentException(
          "the buffer is a "
              + buffer.getClass().getSimpleName()
              + " for elements of type "
              + type
              + ", must be a ByteBuffer, a FloatBuffer for F32, a ShortBuffer for F16 and BF16 or"
              + " an IntBuffer for I32");
    }
    if (type.bytes() > 1 && order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "the buffer's byte order is "
              + order
              + ", must be the machine's, "
              + ByteOrder.nativeOrder()
              + ", for elements of type "
              + type
              + "; allocateDirect(), slice(), duplicate() and asReadOnlyBuffer() give BIG_ENDIAN:"
              + " say .order(ByteOrder.nativeOrder()) after them");
    }
  }
}
