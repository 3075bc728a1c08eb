package org.ternarykernels.internal;

/** Conversions between float and the narrow float types: exact, or rounded once to nearest even. */
final class NarrowFloats {
  private static final int ABS_MASK = 0x7fffffff;
  private static final int INFINITY = 0x7f800000;

  private NarrowFloats() {}

  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if ((bits & ABS_MASK) > INFINITY) {
      return (short) (bits >>> 16 | 0x40); // stays NaN
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  static float fromF16(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = half >> 10 & 31;
    int mantissa = half & 0x3ff;
    if (exponent == 31) {
      return Float.intBitsToFloat(sign | INFINITY | mantissa << 13);
    }
    if (exponent == 0) {
      return Float.intBitsToFloat(sign | Float.floatToRawIntBits(mantissa * 0x1p-24f));
    }
    return Float.intBitsToFloat(sign | exponent + 112 << 23 | mantissa << 13);
  }

  static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    int magnitude = bits & ABS_MASK;
    if (magnitude > INFINITY) {
      return (short) (sign | 0x7e00);
    }
    if (magnitude >= 0x477ff000) { // 65520 and more round to infinity
      return (short) (sign | 0x7c00);
    }
    if (magnitude >= 0x38800000) { // normal: 2^-14 and more
      return (short) (sign | magnitude + 0xfff + (magnitude >>> 13 & 1) - 0x38000000 >>> 13);
    }
    // Denormal: a multiple of 2^-24, and rint rounds ties to even.
    return (short) (sign | (int) Math.rint(Float.intBitsToFloat(magnitude) * 0x1p24));
  }

  /** OCP e4m3fn: bias 7, no infinities. */
  static float fromF8E4M3(byte bits) {
    int sign = (bits & 0x80) << 24;
    int exponent = bits >> 3 & 15;
    int mantissa = bits & 7;
    if (exponent == 15 && mantissa == 7) {
      return Float.intBitsToFloat(sign | 0x7fc00000);
    }
    if (exponent == 0) {
      return Float.intBitsToFloat(sign | Float.floatToRawIntBits(mantissa * 0x1p-9f));
    }
    return Float.intBitsToFloat(sign | exponent + 120 << 23 | mantissa << 20);
  }
}
