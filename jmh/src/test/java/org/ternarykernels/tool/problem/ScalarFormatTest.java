package org.ternarykernels.tool.problem;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ScalarFormatTest {
  @Test
  void everyHalfSurvivesAndNeighboursRoundToTheNearest() {
    for (int bits = 0; bits < 0x7c00; bits++) {
      float value = ScalarFormat.halfToFloat((short) bits);
      float next = bits == 0x7bff ? 65536 : ScalarFormat.halfToFloat((short) (bits + 1));
      assertThat(ScalarFormat.floatToHalf(value)).isEqualTo((short) bits);
      assertThat(ScalarFormat.floatToHalf(-value)).isEqualTo((short) (bits | 0x8000));
      float tie = (value + next) / 2; // exact: a half has 11 bits
      assertThat(ScalarFormat.floatToHalf(tie))
          .isEqualTo((short) (bits % 2 == 0 ? bits : bits + 1));
      assertThat(ScalarFormat.floatToHalf(Math.nextUp(tie))).isEqualTo((short) (bits + 1));
      assertThat(ScalarFormat.floatToHalf(Math.nextDown(tie))).isEqualTo((short) bits);
    }
    assertThat(ScalarFormat.halfToFloat((short) 0x7c00)).isInfinite();
    assertThat(ScalarFormat.halfToFloat((short) 0x3c00)).isEqualTo(1);
    assertThat(ScalarFormat.halfToFloat((short) 1)).isEqualTo(0x1p-24f);
    assertThat(ScalarFormat.halfToFloat(ScalarFormat.floatToHalf(Float.NaN))).isNaN();
  }

  @Test
  void everyE4m3SurvivesAndKnownValuesAreRight() {
    for (int bits = 0; bits < 256; bits++) {
      if ((bits & 0x7f) != 0x7f) {
        assertThat(ScalarFormat.floatToE4m3(ScalarFormat.e4m3ToFloat((byte) bits)))
            .isEqualTo((byte) bits);
      }
    }
    assertThat(ScalarFormat.e4m3ToFloat((byte) 0x7e)).isEqualTo(448);
    assertThat(ScalarFormat.e4m3ToFloat((byte) 0x38)).isEqualTo(1);
    assertThat(ScalarFormat.e4m3ToFloat((byte) 0x01)).isEqualTo(0x1p-9f);
    assertThat(ScalarFormat.e4m3ToFloat((byte) 0xff)).isNaN();
    assertThat(ScalarFormat.e4m3ToFloat(ScalarFormat.floatToE4m3(464))).isNaN();
    assertThat(ScalarFormat.e4m3ToFloat(ScalarFormat.floatToE4m3(Float.NaN))).isNaN();
    assertThat(ScalarFormat.floatToE4m3(463)).isEqualTo((byte) 0x7e);
  }

  @Test
  void bfloatRoundsToTheNearestOfItsNeighbours() {
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 100_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt(0x7f000000));
      int low = Float.floatToRawIntBits(value) >>> 16;
      double below = Float.intBitsToFloat(low << 16);
      double above = Float.intBitsToFloat(low + 1 << 16);
      int expected =
          value - below < above - value || value - below == above - value && low % 2 == 0
              ? low
              : low + 1;
      assertThat(ScalarFormat.floatToBfloat(value)).isEqualTo((short) expected);
    }
    assertThat(Float.intBitsToFloat(ScalarFormat.floatToBfloat(Float.NaN) << 16)).isNaN();
  }
}
