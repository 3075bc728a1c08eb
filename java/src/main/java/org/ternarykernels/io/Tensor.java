package org.ternarykernels.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.storage.Quoted;

/**
 * A tensor of a {@link SafetensorsFile}: its type, its shape, and copies of its data. Data are
 * little-endian in the file and in what is returned.
 *
 * <p>Data are read from the file when they are asked for, so a file that is truncated meanwhile is
 * an exception, never a crash. An interrupt does not disturb a read and stays set. Usable by any
 * number of threads until the file is closed.
 */
public final class Tensor {
  private static final int CHUNK = 1 << 20;

  private final SafetensorsFile file;
  private final String name;
  private final String dtype;

  /** Null for a {@link #dtype} that this library does not convert. */
  private final @Nullable TensorType type;

  private final long[] shape;
  private final long begin;
  private final long bytes;

  Tensor(SafetensorsFile file, String name, SafetensorsHeader.Entry entry, long dataStart) {
    this.file = file;
    this.name = name;
    this.dtype = entry.dtype();
    this.type = entry.type();
    this.shape = entry.shape();
    this.begin = dataStart + entry.begin();
    this.bytes = entry.end() - entry.begin();
  }

  /**
   * The tensor's name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * The type of the elements.
   *
   * @return the type
   * @throws IllegalArgumentException if it is none that this library knows; {@link #dtype} and
   *     {@link #toBytes} serve any
   */
  public TensorType type() {
    if (type == null) {
      throw new IllegalArgumentException(
          "tensor "
              + Quoted.of(name)
              + " is of type "
              + dtype
              + ", which this library does not convert, must be one of "
              + Arrays.toString(TensorType.values()));
    }
    return type;
  }

  /**
   * The type of the elements as the file names it.
   *
   * @return a text, which may be none of {@link TensorType}
   * @since 0.2.0
   */
  public String dtype() {
    return dtype;
  }

  /**
   * The sizes of the dimensions, outermost first; none for a scalar.
   *
   * @return a copy
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * The number of elements.
   *
   * @return the product of the shape
   */
  public long elements() {
    long elements = 1; // bytes do not tell it where the type is unknown
    for (long size : shape) {
      elements *= size;
    }
    return elements;
  }

  /**
   * The size of the data.
   *
   * @return bytes
   */
  public long byteSize() {
    return bytes;
  }

  /**
   * Copies part of the data.
   *
   * @param offset of the first byte within the tensor
   * @param target receives as many bytes as it has room for
   * @throws IllegalArgumentException if the part is not within the tensor, or the target is null or
   *     read-only
   * @throws IllegalStateException if the file is closed, also by another thread in the middle
   * @throws java.io.UncheckedIOException if the file cannot be read, e.g. because it was truncated
   */
  public void copyTo(long offset, ByteBuffer target) {
    if (target == null) {
      throw new IllegalArgumentException("target is null, must be given");
    }
    if (target.isReadOnly()) {
      throw new IllegalArgumentException("target is read-only, must be writable");
    }
    if (offset < 0 || offset > bytes - target.remaining()) {
      throw new IllegalArgumentException(
          "bytes "
              + offset
              + " to "
              + (offset + target.remaining())
              + " of tensor \""
              + name
              + "\" are asked for, must be within 0 to "
              + bytes);
    }
    file.copy(begin + offset, target);
  }

  /**
   * The data as bytes.
   *
   * @return a copy
   * @throws IllegalArgumentException if there are 2^31 or more
   * @throws IllegalStateException if the file is closed
   * @throws java.io.UncheckedIOException if the file cannot be read
   */
  public byte[] toBytes() {
    byte[] copy = new byte[arrayLength(bytes)];
    copyTo(0, ByteBuffer.wrap(copy));
    return copy;
  }

  /**
   * The elements as floats, exactly; those of U8 are 0 to 255.
   *
   * @return a new array in row-major order
   * @throws IllegalArgumentException if the type is none of F32, F16, BF16, F8_E4M3, I8 and U8, or
   *     there are 2^31 or more
   * @throws IllegalStateException if the file is closed
   * @throws java.io.UncheckedIOException if the file cannot be read
   */
  public float[] toFloats() {
    if (type == TensorType.U8) {
      byte[] bytes = toBytes();
      float[] values = new float[bytes.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = bytes[i] & 0xff;
      }
      return values;
    }
    if (type == TensorType.I32) {
      throw notOf("F32, F16, BF16, F8_E4M3, I8 or U8");
    }
    if (elements() == 0) {
      kernelType();
      return new float[0];
    }
    arrayLength(elements());
    return toBuffer().toArray();
  }

  /**
   * The elements in native memory, as kernels take them.
   *
   * @return a copy; U8 and BOOL come as I8
   * @throws IllegalArgumentException if the type is none of F32, F16, BF16, F8_E4M3, I8, I32, U8
   *     and BOOL, or there are none
   * @throws IllegalStateException if the file is closed
   * @throws java.io.UncheckedIOException if the file cannot be read
   */
  public TernaryBuffer toBuffer() {
    DataType kernelType =
        type == TensorType.U8 || type == TensorType.BOOL ? DataType.I8 : kernelType();
    TernaryBuffer buffer = TernaryBuffer.allocate(kernelType, elements());
    long chunkElements = CHUNK / kernelType.bytes();
    for (long from = 0; from < elements(); from += chunkElements) {
      TernaryBuffer part = buffer.slice(from, Math.min(chunkElements, elements() - from));
      copyTo(from * kernelType.bytes(), part.asByteBuffer());
    }
    return buffer;
  }

  private DataType kernelType() {
    if (type().dataType() == null) {
      throw notOf("F32, F16, BF16, F8_E4M3, I8, I32 or U8");
    }
    return type().dataType();
  }

  private IllegalArgumentException notOf(String types) {
    return new IllegalArgumentException(
        "tensor \"" + name + "\" is of type " + type + ", must be " + types);
  }

  private int arrayLength(long length) {
    if (length > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "tensor \""
              + name
              + "\" has "
              + length
              + " values, must have fewer than 2^31 for an"
              + " array");
    }
    return (int) length;
  }

  /**
   * The elements of an integer tensor.
   *
   * @return a new array in row-major order
   * @throws IllegalArgumentException if the type is none of I8, U8, BOOL, I16, U16, I32, U32 and
   *     I64
   * @throws IllegalStateException if the file is closed
   * @throws java.io.UncheckedIOException if the file cannot be read
   */
  public long[] toLongs() {
    ByteBuffer data = ByteBuffer.wrap(toBytes()).order(ByteOrder.LITTLE_ENDIAN);
    long[] values = new long[arrayLength(elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type()) {
            case I8 -> data.get(i);
            case U8, BOOL -> data.get(i) & 0xff;
            case I16 -> data.getShort(2 * i);
            case U16 -> data.getShort(2 * i) & 0xffff;
            case I32 -> data.getInt(4 * i);
            case U32 -> data.getInt(4 * i) & 0xffffffffL;
            case I64 -> data.getLong(8 * i);
            default ->
                throw new IllegalArgumentException(
                    "tensor \""
                        + name
                        + "\" is of type "
                        + type
                        + ", must be an integer of at most 64 bits with a sign");
          };
    }
    return values;
  }

  @Override
  public String toString() {
    return "Tensor[" + name + " " + dtype + " " + Arrays.toString(shape) + "]";
  }
}
