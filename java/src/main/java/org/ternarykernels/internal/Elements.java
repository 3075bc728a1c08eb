package org.ternarykernels.internal;

import java.nio.ByteBuffer;
import org.ternarykernels.DataType;

/** Elements in memory and the numbers they stand for. */
public final class Elements {
  private Elements() {}

  /** The value of the element at a byte: exact, but rounded of an I32 beyond 2^24. */
  public static float read(ByteBuffer memory, int at, DataType type) {
    return switch (type) {
      case F32 -> memory.getFloat(at);
      case F16 -> NarrowFloats.fromF16(memory.getShort(at));
      case BF16 -> NarrowFloats.fromBf16(memory.getShort(at));
      case F8_E4M3 -> NarrowFloats.fromF8E4M3(memory.get(at));
      case I8 -> memory.get(at);
      case I32 -> memory.getInt(at);
    };
  }

  /** Throws if a type cannot hold a value. */
  public static void checkStorable(DataType type, float value) {
    if (type == DataType.F8_E4M3) {
      throw new IllegalArgumentException(
          "the type is F8_E4M3, must be F32, F16, BF16, I8 or I32 to store"
              + " a float; write the bytes through asByteBuffer()");
    }
    if (type == DataType.I8 && value != (byte) value) {
      throw new IllegalArgumentException(
          "the value is " + value + ", must be a whole number from -128 to 127");
    }
    if (type == DataType.I32 && (value != (int) value || value == 0x1p31f)) {
      throw new IllegalArgumentException(
          "the value is " + value + ", must be a whole number of 32 bits");
    }
  }

  /** Stores a value that the type can hold, rounded once to nearest even. */
  public static void write(ByteBuffer memory, int at, DataType type, float value) {
    switch (type) {
      case F32 -> memory.putFloat(at, value);
      case F16 -> memory.putShort(at, NarrowFloats.toF16(value));
      case BF16 -> memory.putShort(at, NarrowFloats.toBf16(value));
      case I8 -> memory.put(at, (byte) value);
      case I32 -> memory.putInt(at, (int) value);
      case F8_E4M3 -> throw new AssertionError(type); // checked
    }
  }
}
