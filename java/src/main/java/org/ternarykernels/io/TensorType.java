package org.ternarykernels.io;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.DataType;

/**
 * Element types of the safetensors format that this library reads and writes. A file may have
 * tensors of others, which nobody needs to ask for: {@link Tensor#dtype}.
 */
public enum TensorType {
  /** One byte a truth value. */
  BOOL(1, null),
  /** Unsigned 8-bit integer. */
  U8(1, null),
  /** Signed 8-bit integer. */
  I8(1, DataType.I8),
  /** 8-bit float e4m3fn. */
  F8_E4M3(1, DataType.F8_E4M3),
  /** 8-bit float e5m2. */
  F8_E5M2(1, null),
  /** Signed 16-bit integer. */
  I16(2, null),
  /** Unsigned 16-bit integer. */
  U16(2, null),
  /** IEEE binary16. */
  F16(2, DataType.F16),
  /** bfloat16. */
  BF16(2, DataType.BF16),
  /** Signed 32-bit integer. */
  I32(4, DataType.I32),
  /** Unsigned 32-bit integer. */
  U32(4, null),
  /** IEEE binary32. */
  F32(4, DataType.F32),
  /** Signed 64-bit integer. */
  I64(8, null),
  /** Unsigned 64-bit integer. */
  U64(8, null),
  /** IEEE binary64. */
  F64(8, null);

  /** Bits of an element of the format's other types, so that their sizes can be checked too. */
  private static final Map<String, Integer> OTHER_BITS =
      Map.of(
          "F4", 4,
          "F6_E2M3", 6,
          "F6_E3M2", 6,
          "F8_E8M0", 8,
          "F8_E4M3FNUZ", 8,
          "F8_E5M2FNUZ", 8,
          "C64", 64);

  private final int bytes;
  private final @Nullable DataType dataType;

  TensorType(int bytes, @Nullable DataType dataType) {
    this.bytes = bytes;
    this.dataType = dataType;
  }

  /** The type of this name, or null if it is none of these. */
  static @Nullable TensorType named(String dtype) {
    for (TensorType type : values()) {
      if (type.name().equals(dtype)) {
        return type;
      }
    }
    return null;
  }

  /** Bits of an element, or 0 if the format as we know it has no such type. */
  static int bits(String dtype) {
    TensorType type = named(dtype);
    return type == null ? OTHER_BITS.getOrDefault(dtype, 0) : type.bytes * Byte.SIZE;
  }

  /**
   * Size of an element.
   *
   * @return bytes
   */
  public int bytes() {
    return bytes;
  }

  /**
   * The type of buffers that it is.
   *
   * @return the type, or null for one that kernels do not know
   */
  public @Nullable DataType dataType() {
    return dataType;
  }

  /**
   * The tensor type of a type of activations and outputs.
   *
   * @param type any
   * @return the one of the same name
   * @throws IllegalArgumentException if it is null
   */
  public static TensorType of(DataType type) {
    if (type == null) {
      throw new IllegalArgumentException("type is null, must be given");
    }
    return valueOf(type.name());
  }
}
