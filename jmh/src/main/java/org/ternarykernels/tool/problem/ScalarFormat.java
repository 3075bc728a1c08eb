package org.ternarykernels.tool.problem;

import java.nio.ByteBuffer;
import org.ternarykernels.DataType;

/**
 * Narrow floats to fp32 and back, rounded to nearest even. Written apart from the library's own
 * conversions, because {@code verify} judges those.
 */
public final class ScalarFormat {
  private ScalarFormat() {}

  /** Element {@code index} as fp32, exact. */
  static float read(ByteBuffer data, DataType type, int index) {
    return switch (type) {
      case F32 -> data.getFloat(index * Float.BYTES);
      case F16 -> halfToFloat(data.getShort(index * Short.BYTES));
      case BF16 -> Float.intBitsToFloat(data.getShort(index * Short.BYTES) << 16);
      case F8_E4M3 -> e4m3ToFloat(data.get(index));
      case I8 -> data.get(index);
      case I32 -> data.getInt(index * Integer.BYTES);
    };
  }

  /** Stores fp32 as {@code type}, rounded to nearest even. */
  public static void write(ByteBuffer data, DataType type, int index, float value) {
    switch (type) {
      case F32 -> data.putFloat(index * Float.BYTES, value);
      case F16 -> data.putShort(index * Short.BYTES, floatToHalf(value));
      case BF16 -> data.putShort(index * Short.BYTES, floatToBfloat(value));
      case F8_E4M3 -> data.put(index, floatToE4m3(value));
      case I8 -> data.put(index, (byte) Math.rint(value));
      case I32 -> data.putInt(index * Integer.BYTES, (int) value);
    }
  }

  /** Half the distance of neighbouring values, relative to the value, above the denormals. */
  public static double unitRoundoff(DataType type) {
    return switch (type) {
      case F32 -> 0x1p-24;
      case F16 -> 0x1p-11;
      case BF16 -> 0x1p-8;
      default -> throw new IllegalArgumentException(type + " is no type of outputs");
    };
  }

  /** Half the distance of neighbouring denormals. */
  public static double halfDenormal(DataType type) {
    return switch (type) {
      case F32 -> 0x1p-150;
      case F16 -> 0x1p-25;
      case BF16 -> 0x1p-134;
      default -> throw new IllegalArgumentException(type + " is no type of outputs");
    };
  }

  /** {@code value} rounded to fp16. */
  public static float roundToHalf(float value) {
    return halfToFloat(floatToHalf(value));
  }

  static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >> 10 & 31;
    int mantissa = half & 0x3ff;
    if (exponent == 31) {
      return Float.intBitsToFloat(sign | 0x7f800000 | mantissa << 13);
    }
    float magnitude =
        exponent == 0
            ? mantissa * 0x1p-24f
            : Float.intBitsToFloat(exponent + 112 << 23 | mantissa << 13);
    return sign == 0 ? magnitude : -magnitude;
  }

  static short floatToHalf(float value) {
    int sign = Float.floatToRawIntBits(value) >>> 16 & 0x8000;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 65520) { // halfway between the largest half and 2^16
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x1p-14f) { // denormal: a whole number of 2^-24
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
    }
    int bits = Float.floatToRawIntBits(magnitude);
    return (short) (sign | (bits + 0xfff + (bits >> 13 & 1) >> 13) - (112 << 10));
  }

  static short floatToBfloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    return (short)
        (Float.isNaN(value) ? bits >>> 16 | 0x40 : bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** OCP e4m3fn: bias 7, no infinities, 0x7f and 0xff NaN. */
  static float e4m3ToFloat(byte bits) {
    int exponent = bits >> 3 & 15;
    int mantissa = bits & 7;
    if (exponent == 15 && mantissa == 7) {
      return Float.NaN;
    }
    float magnitude =
        exponent == 0
            ? mantissa * 0x1p-9f
            : (8 + mantissa) * (float) StrictMath.scalb(1.0, exponent - 10);
    return bits < 0 ? -magnitude : magnitude;
  }

  /** The nearest of the values; ties to the even pattern, beyond the largest (448) NaN. */
  static byte floatToE4m3(float value) {
    int sign = Float.floatToRawIntBits(value) >>> 24 & 0x80;
    float magnitude = Math.abs(value);
    if (!(magnitude < 464)) { // halfway between 448 and 480, which is NaN's place
      return (byte) (sign | 0x7f);
    }
    if (magnitude < 0x1p-6f) {
      return (byte) (sign | (int) Math.rint(magnitude * 0x1p9));
    }
    int bits = Float.floatToRawIntBits(magnitude);
    return (byte) (sign | (bits + 0x7ffff + (bits >> 20 & 1) >> 20) - (120 << 3));
  }
}
