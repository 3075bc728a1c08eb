package org.ternarykernels.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;

class NarrowFloatsTest {
  @Test
  void everyHalfComesBackAndDecodesByItsDefinition() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = NarrowFloats.fromF16((short) bits);
      int exponent = bits >> 10 & 31;
      int mantissa = bits & 0x3ff;
      if (exponent == 31) {
        assertThat(mantissa == 0 ? Float.isInfinite(value) : Float.isNaN(value)).isTrue();
      } else {
        double magnitude =
            exponent == 0
                ? mantissa * 0x1p-24
                : (1 + mantissa * 0x1p-10) * Math.pow(2, exponent - 15);
        assertThat((double) value).isEqualTo(bits < 0x8000 ? magnitude : -magnitude);
      }
      if (!Float.isNaN(value)) {
        assertThat(NarrowFloats.toF16(value) & 0xffff).isEqualTo(bits);
      }
    }
    assertThat(NarrowFloats.fromF16(NarrowFloats.toF16(Float.NaN))).isNaN();
  }

  @Test
  void everyBfloat16ComesBack() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = NarrowFloats.fromBf16((short) bits);
      assertThat(Float.floatToRawIntBits(value)).isEqualTo(bits << 16);
      if (!Float.isNaN(value)) {
        assertThat(NarrowFloats.toBf16(value) & 0xffff).isEqualTo(bits);
      }
    }
    assertThat(NarrowFloats.fromBf16(NarrowFloats.toBf16(Float.intBitsToFloat(0x7f800001))))
        .isNaN();
  }

  @Test
  void everyF8DecodesByItsDefinition() {
    for (int bits = 0; bits < 256; bits++) {
      float value = NarrowFloats.fromF8E4M3((byte) bits);
      int exponent = bits >> 3 & 15;
      int mantissa = bits & 7;
      if ((bits & 0x7f) == 0x7f) {
        assertThat(value).isNaN();
      } else {
        double magnitude =
            exponent == 0 ? mantissa * 0x1p-9 : (1 + mantissa / 8.0) * Math.pow(2, exponent - 7);
        assertThat((double) value).isEqualTo(bits < 128 ? magnitude : -magnitude);
      }
    }
  }

  @Test
  void roundingPicksTheNearerNeighbourAndTiesGoToEven() {
    for (int bits = 0; bits < 0x7bff; bits++) { // all neighbours below the largest half
      float low = NarrowFloats.fromF16((short) bits);
      float high = NarrowFloats.fromF16((short) (bits + 1));
      float middle =
          (float)
              new BigDecimal(low)
                  .add(new BigDecimal(high))
                  .divide(BigDecimal.valueOf(2))
                  .doubleValue();
      assertThat((int) NarrowFloats.toF16(middle)).isEqualTo(bits % 2 == 0 ? bits : bits + 1);
      assertThat((int) NarrowFloats.toF16(Math.nextUp(middle))).isEqualTo(bits + 1);
      assertThat((int) NarrowFloats.toF16(Math.nextDown(middle))).isEqualTo(bits);
    }
    assertThat(NarrowFloats.toF16(65519.996f)).isEqualTo((short) 0x7bff);
    assertThat(NarrowFloats.toF16(65520f)).isEqualTo((short) 0x7c00);
    for (int bits = 0; bits < 0x7f7f; bits += 7) {
      float middle = Float.intBitsToFloat(bits << 16 | 0x8000);
      assertThat((int) NarrowFloats.toBf16(middle)).isEqualTo(bits % 2 == 0 ? bits : bits + 1);
      assertThat((int) NarrowFloats.toBf16(Math.nextUp(middle))).isEqualTo(bits + 1);
      assertThat((int) NarrowFloats.toBf16(Math.nextDown(middle))).isEqualTo(bits);
    }
  }
}
