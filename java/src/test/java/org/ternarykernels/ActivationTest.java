package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link Activation} and {@link Rotation} as values. */
class ActivationTest {
  @ParameterizedTest
  @ValueSource(strings = {"a8", "a16", "a8:32", "a8:128", "a8:4096"})
  void textsAreReadAsTheyAreWritten(String text) {
    assertThat(Activation.parse(text)).hasToString(text);
    assertThat(Activation.parse(text.toUpperCase(Locale.ROOT)))
        .isEqualTo(Activation.parse(text))
        .hasSameHashCodeAs(Activation.parse(text));
  }

  @Test
  void equalOnesSayTheSame() {
    assertThat(Activation.parse("a8")).isSameAs(Activation.A8);
    assertThat(Activation.parse("a16")).isSameAs(Activation.A16);
    assertThat(Activation.a8(64)).isEqualTo(Activation.a8(64)).isNotEqualTo(Activation.a8(32));
    assertThat(Activation.a8(64)).isNotEqualTo(Activation.A8);
    assertThat(Activation.A8).isNotEqualTo(Activation.A16).isNotEqualTo("a8");
    assertThat(Activation.a8(64).isA8()).isTrue();
    assertThat(Activation.A8.isA8()).isTrue();
    assertThat(Activation.A16.isA8()).isFalse();
  }

  @Test
  void aBlockBringsAScaleForEachAndTheLastMayBeShort() {
    assertThat(Activation.a8(64).block()).isEqualTo(64);
    assertThat(Activation.a8(64).scales(1)).isEqualTo(1);
    assertThat(Activation.a8(64).scales(128)).isEqualTo(2);
    assertThat(Activation.a8(64).scales(129)).isEqualTo(3);
    assertThat(Activation.A8.block()).isZero();
    assertThat(Activation.A8.scales(129)).isEqualTo(1);
    assertThatThrownBy(() -> Activation.a8(64).scales(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("K is 0");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 31, 33, 48, -32, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void aBlockIsAPositiveMultipleOf32(int block) {
    assertThatThrownBy(() -> Activation.a8(block))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the block of activations is " + block + ", must be a positive multiple of 32");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a4",
        "a8:",
        "a8: 32",
        "a8:x",
        "a8:-32",
        "a16:32",
        "a8:99999999999",
        "a8:32:1"
      })
  void otherTextsAreNamed(String text) {
    assertThatThrownBy(() -> Activation.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "activation is \"" + text + "\", must be a8, a8:B with a multiple of 32, or a16");
    assertThatThrownBy(() -> Activation.parse("a8:33")).hasMessageContaining("33", "32");
    assertThatThrownBy(() -> Activation.parse(null)).hasMessageContaining("activation is null");
  }

  @Test
  void aRotationIsItsBlockAndItsSigns() {
    float[] signs = {1, -1};
    Rotation rotation = Rotation.of(32, signs);
    signs[0] = -1;
    assertThat(rotation.signs()).containsExactly(1, -1);
    rotation.signs()[0] = 7;
    assertThat(rotation)
        .isEqualTo(Rotation.of(32, 1, -1))
        .hasSameHashCodeAs(Rotation.of(32, 1, -1));
    assertThat(rotation)
        .isNotEqualTo(Rotation.of(32))
        .isNotEqualTo(Rotation.of(64, 1, -1))
        .isNotEqualTo(Rotation.of(32, 1, 1));
    assertThat(rotation).hasToString("rotation of 32, with signs");
    assertThat(Rotation.of(4096)).hasToString("rotation of 4096");
    assertThat(Rotation.of(4096).block()).isEqualTo(4096);
    assertThat(Rotation.of(4096).signs()).isNull();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 16, 31, 33, 48, 8192, -64, Integer.MIN_VALUE})
  void aRotationIsOfAPowerOfTwo(int block) {
    assertThatThrownBy(() -> Rotation.of(block))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the rotation is " + block + " columns, must be a power of two, 32 to 4096");
  }

  @ParameterizedTest
  @ValueSource(floats = {0, 0.5f, -2, Float.NaN, Float.POSITIVE_INFINITY})
  void signsArePlusOrMinusOne(float sign) {
    assertThatThrownBy(() -> Rotation.of(32, 1, -1, sign))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("signs[2] is " + sign + ", must be +1 or -1");
    assertThatThrownBy(() -> Rotation.of(32, (float[]) null)).hasMessageContaining("signs is null");
  }
}
