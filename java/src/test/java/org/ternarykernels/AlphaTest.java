package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class AlphaTest {
  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  @Test
  void holdsKindGroupAndValues() {
    assertThat(Alpha.tensor(2).kind()).isEqualTo(AlphaKind.TENSOR);
    assertThat(Alpha.tensor(2).values()).containsExactly(2);
    assertThat(Alpha.row(1, 2).kind()).isEqualTo(AlphaKind.ROW);
    assertThat(Alpha.column(1, 2).kind()).isEqualTo(AlphaKind.COLUMN);
    assertThat(Alpha.column(1, 2).group()).isZero();
    Alpha group = Alpha.group(64, 1, 2, 3);
    assertThat(group.kind()).isEqualTo(AlphaKind.GROUP);
    assertThat(group.group()).isEqualTo(64);
    assertThat(group)
        .isEqualTo(Alpha.of(AlphaKind.GROUP, 64, 1, 2, 3))
        .hasSameHashCodeAs(Alpha.group(64, 1, 2, 3))
        .isNotEqualTo(Alpha.group(32, 1, 2, 3))
        .isNotEqualTo(Alpha.row(1, 2, 3))
        .hasToString("alpha per group of 64, 3 values");
  }

  @Test
  void segmentsBecomeRows() {
    assertThat(Alpha.segments(new int[] {2, 1, 3}, new float[] {5, 6, 7}))
        .isEqualTo(Alpha.row(5, 5, 6, 7, 7, 7));
  }

  @Test
  void isImmutable() {
    float[] values = {1, 2};
    Alpha alpha = Alpha.row(values);
    values[0] = 9;
    alpha.values()[1] = 9;
    assertThat(alpha.values()).containsExactly(1, 2);
  }

  @Test
  void rejectsWhatBreaksARule() {
    assertRejected(() -> Alpha.tensor(Float.NaN), "alpha[0] is NaN", "finite");
    assertRejected(() -> Alpha.row(1, Float.POSITIVE_INFINITY), "alpha[1] is Infinity");
    assertRejected(() -> Alpha.row(), "0 values", "at least 1");
    assertRejected(() -> Alpha.column((float[]) null), "alpha is null");
    assertRejected(() -> Alpha.group(48, 1), "group is 48", "multiple of 32");
    assertRejected(() -> Alpha.group(0, 1), "group is 0");
    assertRejected(() -> Alpha.group(-32, 1), "group is -32");
    assertRejected(() -> Alpha.of(AlphaKind.ROW, 32, 1), "group is 32", "must be 0");
    assertRejected(() -> Alpha.of(AlphaKind.TENSOR, 0, 1, 2), "2 values", "must have 1");
    assertRejected(() -> Alpha.of(null, 0, 1), "kind of alpha is null");
    assertRejected(
        () -> Alpha.segments(new int[] {1}, new float[] {1, 2}), "2 alphas for 1 segments");
    assertRejected(() -> Alpha.segments(new int[] {1, 0}, new float[] {1, 2}), "size is 0");
    assertRejected(
        () -> Alpha.segments(new int[] {Integer.MAX_VALUE, 1}, new float[] {1, 2}),
        "2147483648",
        "2^31");
    assertRejected(() -> Alpha.segments(null, new float[] {1}), "sizes is null");
    assertRejected(() -> Alpha.segments(new int[] {1}, null), "alphas is null");
  }

  @Test
  void namesOfInstructionSetsAreThoseOfTheSetting() {
    for (Isa isa : Isa.values()) {
      assertThat(Isa.of(isa.id())).isEqualTo(isa);
    }
    assertThat(Isa.AVX512VNNI.id()).isEqualTo("avx512vnni");
    assertRejected(() -> Isa.of("avx3"), "\"avx3\"", "portable, avx2, avxvnni, avx512vnni, amx");
    assertRejected(() -> Isa.of(null), "id is null");
  }
}
