package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** Layers of experts: their bits, who may share them, and what is refused. */
class MoeLayerTest {
  private static final int SEEDS = TestDevice.repetitions(150, 20);
  private static final int E = 3;
  private static final int H = 40;
  private static final int I = 24;
  private static final TernaryRuntime ONE = TernaryRuntime.builder().threads(1).build();
  private static final TernaryRuntime TWO = TernaryRuntime.builder().threads(2).build();

  private final Random random = new Random(11);

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

  private ExpertWeights weights(int n, int k) {
    byte[] w = Problems.ternary(random, E * n * k);
    return ExpertWeights.pack(w, E, n, k, ExpertAlpha.row(Problems.floats(random, E * n)));
  }

  private static Routing routing(int slots, int... ids) {
    TernaryBuffer weights = Problems.filled(DataType.F32, ids.length, 0.5f);
    return Routing.of(TernaryBuffer.copyOf(ids), weights, slots);
  }

  @Test
  void theBitsAreTheOraclesWhateverThreadsAndBatchPosition() {
    for (long seed = 0; seed < SEEDS; seed++) {
      try (MoeProblem one = new MoeProblem(seed, ONE);
          MoeProblem two = new MoeProblem(seed, TWO)) {
        MoeProblem.Result onOne = one.run(false, 0, one.m);
        MoeProblem.Result onTwo = two.run(false, 0, two.m);
        assertThat(onTwo.isSame(onOne)).as("seed %d, threads: %s", seed, one).isTrue();
        if (one.spec.activation.isA8()) {
          assertThat(onOne.bits().get(0))
              .as("seed %d: %s", seed, one)
              .isEqualTo(one.run(true, 0, one.m).bits().get(0));
          assertThat(onOne.isSame(one.run(true, 0, one.m))).as("residual, seed %d", seed).isTrue();
        }
        int last = one.m - 1;
        int columns = (int) one.columnsOfY();
        assertThat(Problems.bits(two.run(false, last, 1).y()))
            .as("seed %d, the last row alone: %s", seed, one)
            .isEqualTo(Problems.bits(onOne.y().slice((long) last * columns, columns)));
      }
    }
  }

  /** What the builder says arrives, and the products are those of linear layers. */
  @Test
  void theBitsAreThoseOfLinearLayersAndJavasSteps() {
    for (long seed = 0; seed < SEEDS; seed++) {
      try (MoeProblem problem = new MoeProblem(seed, ONE, GateFunction.RELU2, false)) {
        MoeOfLayers twice = new MoeOfLayers(problem, ONE);
        MoeProblem.Result result = problem.run(false, 0, problem.m);
        for (int m = 0; m < problem.m; m++) {
          float[] expected = twice.row(m);
          float[] actual = new float[expected.length];
          int columns = (int) problem.columnsOfY();
          System.arraycopy(result.y().toArray(), m * columns, actual, 0, columns);
          if (result.residualOut() != null) {
            float[] sums = result.residualOut().toArray();
            System.arraycopy(sums, m * columns, actual, columns, columns);
          }
          assertThat(Problems.bits(TernaryBuffer.copyOf(DataType.F32, actual)))
              .as("seed %d, row %d: %s", seed, m, problem)
              .isEqualTo(Problems.bits(TernaryBuffer.copyOf(DataType.F32, expected)));
        }
      }
    }
  }

  /** Gate 1.5 and up 1.25 of one expert that is its own output. */
  @Test
  void everyFunctionIsWhatItsNameSays() {
    double g = 1.5;
    double silu = g / (1 + Math.exp(-g));
    double gelu = g / (1 + Math.exp(-1.5957691216 * (g + 0.044715 * g * g * g)));
    double clamped = 0.5 / (1 + Math.exp(-0.5)) * 0.5;
    assertThat(ofGateAndUp(GateFunction.SILU))
        .isBetween(close(silu * 1.25, -1), close(silu * 1.25, 1));
    assertThat(ofGateAndUp(GateFunction.GELU))
        .isBetween(close(gelu * 1.25, -1), close(gelu * 1.25, 1));
    assertThat(ofGateAndUp(GateFunction.RELU2)).isEqualTo(1.5f * 1.5f * 1.25f);
    assertThat(ofGateAndUp(GateFunction.SILU_CLAMP))
        .isBetween(close(clamped, -1), close(clamped, 1));
  }

  /** Ten roundings, each of 2^-24, and an exp within 1 ulp. */
  private static float close(double value, int side) {
    return (float) (value * (1 + side * 12 * 0x1p-24));
  }

  private static float ofGateAndUp(GateFunction function) {
    byte[] one = {1, 0, 0, 1};
    try (ExpertWeights w13 = ExpertWeights.pack(one, 1, 2, 2, ExpertAlpha.expert(1));
        ExpertWeights w2 = ExpertWeights.pack(new byte[] {1, 0}, 1, 2, 1, ExpertAlpha.expert(1))) {
      MoeLayer.Builder builder = MoeLayer.builder(ONE, w13, w2).activation(Activation.A16);
      if (function == GateFunction.SILU_CLAMP) {
        builder.siluClamp(0.5f);
      } else {
        builder.gateFunction(function);
      }
      try (MoeLayer layer = builder.build()) {
        TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2);
        Routing chosen =
            Routing.of(TernaryBuffer.copyOf(0), TernaryBuffer.copyOf(DataType.F32, 1), 1);
        layer.apply(TernaryBuffer.copyOf(DataType.F32, 1.5f, 1.25f), chosen, y, 1);
        return y.get(0);
      }
    }
  }

  @Test
  void addsUpWeightedExpertsByHand() {
    byte[] w13 = {0, 1, 1, 0, 0, 1, 0, -1}; // gate takes x[1] of both; up takes x[0], and -x[1]
    byte[] w2 = {1, 1, 1, -1};
    try (ExpertWeights gateUp = ExpertWeights.pack(w13, 2, 2, 2, ExpertAlpha.expert(1, 1));
        ExpertWeights down = ExpertWeights.pack(w2, 2, 2, 1, ExpertAlpha.expert(1, 2));
        MoeLayer layer =
            MoeLayer.builder(ONE, gateUp, down)
                .activation(Activation.A16)
                .gateFunction(GateFunction.RELU2)
                .scaling(2)
                .build()) {
      TernaryBuffer x = TernaryBuffer.copyOf(DataType.F32, 3, 2);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2);
      Routing chosen =
          Routing.of(
              TernaryBuffer.copyOf(1, -1, 0),
              TernaryBuffer.copyOf(DataType.F32, 0.5f, Float.NaN, 0.25f),
              3);
      layer.apply(x, chosen, y, 1);
      // h of expert 0 is 4 * 3, of expert 1 4 * -2; d is [12, 12] and 2 * [-8, 8]
      assertThat(y.toArray()).containsExactly(2 * (0.5f * -16 + 3), 2 * (0.5f * 16 + 3));
      TernaryBuffer residual = TernaryBuffer.copyOf(DataType.F32, 100, 200);
      layer.apply(x, 2, null, chosen, residual, residual, 2, y, 2, 1);
      assertThat(residual.toArray()).containsExactly(100 - 10, 200 + 22);
      assertThat(y.toArray()).containsExactly(-10, 22);
    }
  }

  @Test
  void aRowWithoutExpertsIsZeroWhateverItsX() {
    try (ExpertWeights w13 = weights(2 * I, H);
        ExpertWeights w2 = weights(H, I);
        MoeLayer layer = MoeLayer.builder(ONE, w13, w2).build()) {
      TernaryBuffer x = Problems.filled(DataType.F32, H, Float.NaN);
      TernaryBuffer y = Problems.filled(DataType.F32, H, 7);
      layer.apply(x, routing(2, -1, -1), y, 1);
      assertThat(y.toArray()).containsOnly(0f);
      layer.apply(x, routing(2, -1, 0), y, 1);
      assertThat(y.toArray()).containsOnly(Float.NaN);
    }
  }

  @Test
  void outputsOfEachSlotAreCombinedToTheSameBits() {
    try (ExpertWeights w13 = weights(2 * I, H);
        ExpertWeights w2 = weights(H, I);
        MoeLayer whole = MoeLayer.builder(ONE, w13, w2).scaling(3).build();
        MoeLayer apart = MoeLayer.builder(ONE, w13, w2).combine(false).build()) {
      TernaryBuffer x = Problems.activations(random, DataType.F32, 2 * H);
      Routing chosen = routing(3, 0, 2, -1, 1, 1, 0);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, 2 * H);
      whole.apply(x, chosen, y, 2);
      TernaryBuffer d = TernaryBuffer.allocate(DataType.F32, 2 * 3 * H);
      apart.apply(x, Routing.of(chosen.ids(), null, 3), d, 2);
      TernaryBuffer sum = TernaryBuffer.allocate(DataType.F32, 2 * H);
      ONE.experts().combine(d, 3 * H, chosen, E, H, 3, null, null, 0, sum, H, 2);
      Problems.assertSameBits(sum, y);
    }
  }

  /** Eight of them a second one too, so that scratch of one layer would be the other's. */
  @Test
  void sixteenThreadsShareOneLayer() throws Exception {
    int calls = TestDevice.repetitions(20, 2);
    try (MoeProblem problem = new MoeProblem(3, TWO);
        MoeProblem other = new MoeProblem(4, TWO)) {
      MoeProblem.Result expected = problem.run(true, 0, problem.m);
      MoeProblem.Result expectedOther = other.run(true, 0, other.m);
      assertThat(List.of(problem.spec.activation.isA8(), other.spec.activation.isA8()))
          .containsOnly(true);
      ExecutorService threads = Executors.newFixedThreadPool(16);
      List<Future<Boolean>> results = new ArrayList<>();
      for (int thread = 0; thread < 16; thread++) {
        boolean both = thread % 2 == 0;
        results.add(
            threads.submit(
                () -> {
                  boolean same = true;
                  for (int call = 0; call < calls; call++) {
                    same &= problem.run(false, 0, problem.m).isSame(expected);
                    same &= !both || other.run(false, 0, other.m).isSame(expectedOther);
                  }
                  return same;
                }));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
      threads.shutdown();
    }
  }

  @Test
  void aCallAllocatesNothing() {
    try (ExpertWeights w13 = weights(2 * I, H);
        ExpertWeights w2 = weights(H, I);
        MoeLayer layer = MoeLayer.builder(ONE, w13, w2).build()) {
      TernaryBuffer x = Problems.activations(random, DataType.F32, H);
      TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, H);
      TernaryBuffer logits = Problems.activations(random, DataType.F32, E);
      Router router = Router.builder(E, 2).renormalise(0).build();
      Routing chosen = Routing.allocate(1, 2, DataType.F32);
      int runs = TestDevice.repetitions(20_000, 200);
      long bytes =
          Allocations.ofRuns(
              runs,
              () -> {
                ONE.experts().route(router, logits, chosen, 1);
                layer.apply(x, chosen, y, 1);
              });
      assertThat(bytes).isLessThan(runs);
    }
  }

  @Test
  void aClosedLayerComputesNothingAndOneOfClosedWeightsDoes() {
    ExpertWeights w13 = weights(2 * I, H);
    ExpertWeights w2 = weights(H, I);
    TernaryRuntime runtime = TernaryRuntime.builder().threads(1).build();
    MoeLayer layer = MoeLayer.builder(runtime, w13, w2).build();
    assertThat(layer.byteSize()).isGreaterThan(w13.byteSize());
    w13.close();
    w2.close();
    assertThatThrownBy(() -> MoeLayer.builder(ONE, w13, w2).build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the experts' weights are closed, must be open");
    TernaryBuffer x = Problems.activations(random, DataType.F32, H);
    TernaryBuffer y = Problems.filled(DataType.F32, H, 7);
    layer.apply(x, routing(1, 2), y, 1);
    assertThat(y.toArray()).doesNotContain(7f);
    assertThat(w13.handle().users()).isOne();
    runtime.close();
    assertThatThrownBy(() -> layer.apply(x, routing(1, 2), y, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the runtime is closed, must be open");
    layer.close();
    assertThatThrownBy(() -> layer.apply(x, routing(1, 2), y, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the layer is closed, must be open");
    assertThat(w13.handle().users()).isZero();
    assertThat(w2.handle().users()).isZero();
  }

  @Test
  void refusesOperandsByName() {
    try (ExpertWeights w13 = weights(2 * I, H);
        ExpertWeights w2 = weights(H, I);
        MoeLayer layer = MoeLayer.builder(ONE, w13, w2).build();
        MoeLayer apart = MoeLayer.builder(ONE, w13, w2).combine(false).build()) {
      TernaryBuffer x = TernaryBuffer.allocate(DataType.F32, 2 * H);
      TernaryBuffer y = Problems.filled(DataType.F32, 2 * H, 7);
      Routing good = routing(2, 0, 1, 2, -1);
      assertRejected(() -> layer.apply(null, good, y, 2), "x is null");
      assertRejected(() -> layer.apply(x, null, y, 2), "routing is null");
      assertRejected(() -> layer.apply(x, good, null, 2), "y is null");
      assertRejected(() -> layer.apply(x, good, y, 0), "M is 0");
      assertRejected(() -> layer.apply(x, good, y, 3), "x has 320 bytes", "480");
      assertRejected(() -> layer.apply(x, routing(2, 0, 1, 2), y, 2), "ids has 12 bytes", "16");
      assertRejected(
          () -> layer.apply(x, routing(2, 0, 1, 3, 0), y, 2), "row 1, slot 0 is 3", "0 to 2");
      assertRejected(() -> layer.apply(x, routing(2, 0, -2, 0, 0), y, 2), "row 0, slot 1 is -2");
      assertRejected(
          () -> layer.apply(x, Routing.of(good.ids(), null, 2), y, 2), "weights are null");
      assertRejected(
          () -> layer.apply(TernaryBuffer.allocate(DataType.I8, 2 * H), good, y, 2),
          "x is of type I8");
      assertRejected(
          () -> layer.apply(TernaryBuffer.copyOf(new int[2 * H]), good, y, 2), "x is of type I32");
      assertRejected(
          () -> layer.apply(x, good, TernaryBuffer.allocate(DataType.F8_E4M3, 2 * H), 2),
          "y is of type F8_E4M3");
      assertRejected(() -> layer.apply(x, good, x, 2), "y (320 bytes", "overlaps x");
      assertRejected(
          () -> layer.apply(x, H, null, good, null, y, H, y, H, 2), "residualOut", "residual");
      assertRejected(
          () -> layer.apply(x, H, null, good, x, null, H, y, H, 2), "residualOut is null");
      assertRejected(() -> layer.apply(x, good, y.slice(0, H), 2), "y has 160 bytes");
      assertRejected(() -> apart.apply(x, good, y, 2), "y has 320 bytes", "640");
      TernaryBuffer each = TernaryBuffer.allocate(DataType.F32, 4 * H);
      assertRejected(
          () -> apart.apply(x, H, null, good, x, x, H, each, 2 * H, 2), "residual is given");
      assertThat(y.toArray()).containsOnly(7f);
    }
  }

  @Test
  void refusesLayersThatDoNotFit() {
    try (ExpertWeights w13 = weights(2 * I, H);
        ExpertWeights w2 = weights(H, I);
        ExpertWeights other = weights(H + 1, I)) {
      assertRejected(() -> MoeLayer.builder(null, w13, w2), "runtime is null");
      assertRejected(() -> MoeLayer.builder(ONE, null, w2), "w13 is null");
      assertRejected(() -> MoeLayer.builder(ONE, w13, null), "w2 is null");
      assertRejected(() -> MoeLayer.builder(ONE, w13, other).build(), "w2 has 41 rows");
      assertRejected(() -> MoeLayer.builder(ONE, w2, w13).build(), "w2 has 40 columns");
      MoeLayer.Builder layer = MoeLayer.builder(ONE, w13, w2);
      assertRejected(() -> layer.gateFunction(GateFunction.SILU_CLAMP).build(), "clamp is 0");
      assertRejected(() -> layer.siluClamp(-1).build(), "clamp is -1");
      layer.gateFunction(GateFunction.GELU);
      assertRejected(() -> layer.scaling(0).build(), "scaling is 0");
      assertRejected(() -> layer.scaling(2).combine(false).build(), "scaling is 2");
      layer.scaling(1).combine(true);
      assertRejected(
          () -> layer.weightOnInput(true).weightBeforeRounding(true).build(), "weight_on_input");
      layer.weightOnInput(false);
      assertRejected(() -> layer.roundExpert(DataType.I8).build(), "round_expert");
      assertRejected(() -> layer.roundGateUp(null), "roundGateUp is null");
      layer.roundExpert(DataType.BF16);
      assertRejected(() -> layer.rotation13(Rotation.of(64)).build(), "rotation13", "64", "40");
      assertRejected(
          () -> layer.rotation13(Rotation.of(32, 1, -1)).build(),
          "rotation13's signs has 2 values, must have 40 (H)");
      layer.rotation13(null).build().close();
    }
  }
}
