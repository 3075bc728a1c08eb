package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Layers with activations by block, and layers that rotate: bits, and what is refused. */
class BlockLayersTest {
  private static final int SEEDS = TestDevice.repetitions(150, 30);
  private static final int N = 17;
  private static final TernaryRuntime ONE = TernaryRuntime.builder().threads(1).build();
  private static final TernaryRuntime TWO = TernaryRuntime.builder().threads(2).build();

  private final Random random = new Random(7);

  @AfterAll
  static void close() {
    ONE.close();
    TWO.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private TernaryWeights weights(int k, Alpha alpha) {
    return TernaryWeights.pack(Problems.ternary(random, N * k), N, k, alpha);
  }

  @Test
  void theBitsAreTheOraclesWhateverThreadsAndBatchPosition() {
    for (long seed = 0; seed < SEEDS; seed++) {
      try (BlockProblem problem = new BlockProblem(seed)) {
        int[] expected = Problems.bits(problem.expected());
        assertThat(Problems.bits(problem.run(ONE, 0, problem.m)))
            .as("seed %d: %s", seed, problem)
            .isEqualTo(expected);
        assertThat(Problems.bits(problem.run(TWO, 0, problem.m)))
            .as("seed %d on two threads: %s", seed, problem)
            .isEqualTo(expected);
        int row = problem.m - 1;
        assertThat(Problems.bits(problem.run(TWO, row, 1)))
            .as("seed %d, the last row alone: %s", seed, problem)
            .isEqualTo(Arrays.copyOfRange(expected, row * problem.n, problem.m * problem.n));
      }
    }
  }

  /** The first block has values of 1, the second of 1e-7: without blocks they would vanish. */
  @Test
  void aBlockOfSmallValuesHasAScaleOfItsOwn() {
    float[] x = new float[64];
    for (int i = 0; i < 64; i++) {
      x[i] = i < 32 ? 1 : 1e-7f;
    }
    byte[] second = new byte[64];
    Arrays.fill(second, 32, 64, (byte) 1);
    try (TernaryWeights weights = TernaryWeights.pack(second, 1, 64, Alpha.tensor(1));
        TernaryLinear blocks =
            TernaryLinear.builder(ONE, weights).activation(Activation.a8(32)).build();
        TernaryLinear token = TernaryLinear.builder(ONE, weights).build()) {
      assertThat(token.apply(x, 1)).containsExactly(0);
      // 32 * 127 units of 1e-7 / 127, each step rounded once
      float scale = 1e-7f / 127;
      assertThat(blocks.apply(x, 1)).containsExactly(32 * 127 * scale);
    }
  }

  /** Rotating X by an orthonormal matrix and W by the same leaves the product as it was. */
  @Test
  void aRotationOfXMeetsRotatedWeights() {
    float[] x = Problems.floats(random, 32);
    byte[] first = new byte[32];
    first[0] = 1;
    float[] signs = new float[32];
    for (int i = 0; i < 32; i++) {
      signs[i] = i % 3 == 0 ? -1 : 1;
    }
    try (TernaryWeights weights = TernaryWeights.pack(first, 1, 32, Alpha.tensor(1));
        TernaryLinear rotated =
            TernaryLinear.builder(ONE, weights)
                .activation(Activation.A16)
                .rotation(Rotation.of(32, signs))
                .build()) {
      double sum = 0; // the matrix's first row has nothing but ones
      double sizes = 0;
      for (int i = 0; i < 32; i++) {
        sum += signs[i] * x[i];
        sizes += Math.abs(x[i]);
      }
      // Five butterflies, the factor and the reference's own: each rounds once, of partial sums.
      double factor = Math.sqrt(1.0 / 32);
      assertThat((double) rotated.apply(x, 1)[0])
          .isBetween(factor * (sum - 8 * 0x1p-24 * sizes), factor * (sum + 8 * 0x1p-24 * sizes));
    }
  }

  @Test
  void aBlockThatDoesNotFitTheGroupIsRefusedWithBoth() {
    try (TernaryWeights weights = weights(192, Alpha.group(64, Problems.floats(random, N * 3)))) {
      assertRejected(
          () -> TernaryLinear.builder(ONE, weights).activation(Activation.a8(96)).build(),
          "block",
          "96",
          "group",
          "64");
      assertRejected(
          () ->
              RmsNormLinear.builder(ONE, weights)
                  .norm(new float[192], 1)
                  .activation(Activation.a8(96))
                  .build(),
          "96",
          "64");
      assertRejected(
          () ->
              Oracle.linear(
                  weights,
                  Activation.a8(96),
                  null,
                  TernaryBuffer.allocate(DataType.F32, 192),
                  192,
                  null,
                  TernaryBuffer.allocate(DataType.F32, N),
                  N,
                  1),
          "96",
          "64");
      for (int block : new int[] {32, 64, 128, 192}) {
        TernaryLinear.builder(ONE, weights).activation(Activation.a8(block)).build().close();
      }
    }
  }

  @Test
  void aRotationThatDoesNotFitKIsRefused() {
    try (TernaryWeights weights = weights(96, Alpha.tensor(1))) {
      assertRejected(
          () -> TernaryLinear.builder(ONE, weights).rotation(Rotation.of(64)).build(), "64", "96");
      assertRejected(
          () -> TernaryLinear.builder(ONE, weights).rotation(Rotation.of(32, 1, -1)).build(),
          "signs has 2 values, must have 96");
      TernaryLinear.builder(ONE, weights).rotation(Rotation.of(32)).rotation(null).build().close();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void int8NeedsAScaleForEachBlockAndNoRotation(boolean onOracle) {
    TernaryBuffer x = TernaryBuffer.allocate(DataType.I8, 2 * 96);
    TernaryBuffer y = Problems.filled(DataType.F32, 2 * N, 7);
    TernaryBuffer five = TernaryBuffer.allocate(DataType.F32, 5);
    TernaryBuffer six = TernaryBuffer.allocate(DataType.F32, 6);
    Activation blocks = Activation.a8(32);
    try (TernaryWeights weights = weights(96, Alpha.tensor(1));
        TernaryLinear layer = TernaryLinear.builder(ONE, weights).activation(blocks).build();
        TernaryLinear rotated =
            TernaryLinear.builder(ONE, weights).rotation(Rotation.of(32)).build()) {
      assertRejected(
          () -> {
            if (onOracle) {
              Oracle.linear(weights, blocks, null, x, 96, five, y, N, 2);
            } else {
              layer.apply(x, 96, five, y, N, 2);
            }
          },
          "xScale has 20 bytes",
          "24");
      assertRejected(
          () -> {
            if (onOracle) {
              Oracle.linear(weights, Activation.A8, Rotation.of(32), null, x, 96, six, y, N, 2);
            } else {
              rotated.apply(x, 96, six, y, N, 2);
            }
          },
          "x is of type I8",
          "rotation");
      assertThat(y.toArray()).containsOnly(7f);
      layer.apply(x, 96, six, y, N, 2);
      assertThat(y.toArray()).containsOnly(0f);
    }
  }
}
