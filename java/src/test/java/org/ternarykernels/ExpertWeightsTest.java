package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights of experts from a tensor, from codes and from matrices, and what is refused. */
class ExpertWeightsTest {
  private static final int E = 5;
  private static final int N = 18;
  private static final int K = 70;

  private final Random random = new Random(5);

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private static TernaryBuffer buffer(byte[] bytes) {
    TernaryBuffer buffer = TernaryBuffer.allocate(DataType.I8, bytes.length);
    buffer.asByteBuffer().put(bytes);
    return buffer;
  }

  private static byte[] part(byte[] w, int e) {
    return Arrays.copyOfRange(w, e * N * K, (e + 1) * N * K);
  }

  @ParameterizedTest
  @EnumSource(Layout.class)
  void everyWayInGivesTheSameExperts(Layout layout) {
    byte[] w = Problems.ternary(random, E * N * K);
    float[] alpha = Problems.floats(random, E * N);
    List<TernaryWeights> matrices = new ArrayList<>();
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, E * N * ((K + 3) / 4));
    for (int e = 0; e < E; e++) {
      float[] own = Arrays.copyOfRange(alpha, e * N, (e + 1) * N);
      matrices.add(TernaryWeights.pack(part(w, e), N, K, Alpha.row(own)));
      codes.asByteBuffer().put(e * N * ((K + 3) / 4), matrices.get(e).codes());
    }
    ExpertAlpha scales = ExpertAlpha.row(alpha);
    List<ExpertWeights> all =
        List.of(
            ExpertWeights.pack(buffer(w), E, N, K, scales, layout),
            ExpertWeights.ofI2s(codes, E, N, K, scales, layout),
            ExpertWeights.of(matrices, layout));
    matrices.forEach(TernaryWeights::close);
    for (ExpertWeights weights : all) {
      assertThat(weights.alpha()).isEqualTo(scales);
      assertThat(weights.layout()).isEqualTo(layout);
      assertThat(List.of(weights.experts(), weights.n(), weights.k()))
          .containsExactly((long) E, (long) N, (long) K);
      assertThat(weights.byteSize()).isGreaterThan(E * N * K / 5);
      for (int e = 0; e < E; e++) {
        try (TernaryWeights one = weights.expert(e)) {
          assertThat(one.unpack()).isEqualTo(part(w, e));
          assertThat(one.alpha().values())
              .containsExactly(Arrays.copyOfRange(alpha, e * N, (e + 1) * N));
          assertThat(one.layout()).isEqualTo(layout);
        }
      }
      weights.close();
      assertThatThrownBy(() -> weights.expert(0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the experts' weights are closed, must be open");
    }
  }

  @Test
  void everyKindOfAlphaIsTheExpertsOwn() {
    byte[] w = Problems.ternary(random, E * N * K);
    int groups = 3;
    List<ExpertAlpha> kinds =
        List.of(
            ExpertAlpha.expert(Problems.floats(random, E)),
            ExpertAlpha.column(Problems.floats(random, E * K)),
            ExpertAlpha.group(32, Problems.floats(random, E * N * groups)));
    for (ExpertAlpha alpha : kinds) {
      try (ExpertWeights weights = ExpertWeights.pack(w, E, N, K, alpha);
          TernaryWeights last = weights.expert(E - 1)) {
        int each = alpha.values().length / E;
        assertThat(last.alpha().kind()).isEqualTo(alpha.kind());
        assertThat(last.alpha().values())
            .containsExactly(Arrays.copyOfRange(alpha.values(), (E - 1) * each, E * each));
      }
    }
    ExpertAlpha pairs = ExpertAlpha.columnOfGateAndUp(Problems.floats(random, E * 2 * K));
    try (ExpertWeights weights = ExpertWeights.pack(w, E, N, K, pairs)) {
      assertRejected(() -> weights.expert(0), "two scales");
      assertRejected(() -> weights.expert(E), "the expert is 5", "4");
    }
  }

  @Test
  void refusesWhatIsWrongByName() {
    byte[] w = new byte[E * N * K];
    ExpertAlpha alpha = ExpertAlpha.expert(new float[E]);
    assertRejected(() -> ExpertWeights.pack(w, 0, N, K, alpha), "E is 0");
    assertRejected(() -> ExpertWeights.pack(w, 4097, N, K, alpha), "E is 4097", "4096");
    assertRejected(() -> ExpertWeights.pack(w, E, N + 1, K, alpha), "w has 6300", "6650");
    assertRejected(() -> ExpertWeights.pack((byte[]) null, E, N, K, alpha), "w is null");
    assertRejected(() -> ExpertWeights.pack(w, E, N, K, null), "alpha is null");
    assertRejected(
        () -> ExpertWeights.pack(w, E, N, K, ExpertAlpha.expert(1, 2)),
        "alpha per expert has 2 values, must have 5");
    assertRejected(
        () -> ExpertWeights.pack(w, E, N, K, ExpertAlpha.columnOfGateAndUp(1, 2)),
        "alpha per column, of gate and of up has 2 values, must have 700");
    assertRejected(() -> ExpertAlpha.row(1, Float.NaN), "alpha[1] is NaN");
    assertRejected(() -> ExpertAlpha.row(), "alpha has 0 values");
    assertRejected(() -> ExpertAlpha.group(33, 1), "group is 33");
    w[2 * N * K + K + 3] = 2;
    w[4 * N * K] = 2;
    assertRejected(() -> ExpertWeights.pack(w, E, N, K, alpha), "of expert 2", "2");
    TernaryBuffer codes = TernaryBuffer.allocate(DataType.I8, 2 * 4);
    assertRejected(
        () -> ExpertWeights.ofI2s(codes, 2, 4, 5, ExpertAlpha.expert(1, 1), Layout.I2S),
        "codes has 8",
        "16");
    codes.put(5, 3);
    assertRejected(
        () -> ExpertWeights.ofI2s(codes, 2, 4, 4, ExpertAlpha.expert(1, 1), Layout.I2S_TILED),
        "codes[1]",
        "row 1");
  }

  @Test
  void refusesMatricesThatDoNotFitEachOther() {
    try (TernaryWeights one = TernaryWeights.pack(new byte[6], 2, 3, Alpha.tensor(1));
        TernaryWeights longer = TernaryWeights.pack(new byte[8], 2, 4, Alpha.tensor(1));
        TernaryWeights byRow = TernaryWeights.pack(new byte[6], 2, 3, Alpha.row(1, 1))) {
      assertRejected(() -> ExpertWeights.of(List.of(), Layout.I2S), "E is 0");
      assertRejected(() -> ExpertWeights.of(null, Layout.I2S), "matrices is null");
      assertRejected(
          () -> ExpertWeights.of(Arrays.asList(one, null), Layout.I2S), "expert 1 is null");
      assertRejected(
          () -> ExpertWeights.of(List.of(one, longer), Layout.I2S), "expert 1", "one shape");
      assertRejected(
          () -> ExpertWeights.of(List.of(one, byRow), Layout.I2S), "expert 1", "one kind");
      assertRejected(() -> ExpertWeights.of(List.of(one), null), "layout is null");
    }
  }
}
