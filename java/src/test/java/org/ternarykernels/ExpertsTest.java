package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** {@code route}, {@code align} and {@code combine}: bits, results by hand, what is refused. */
class ExpertsTest {
  private static final int SEEDS = TestDevice.repetitions(200, 30);
  private static final DataType[] FLOATS = {DataType.F32, DataType.F16, DataType.BF16};
  private static final TernaryRuntime RUNTIME = TernaryRuntime.builder().threads(2).build();

  private final Random random = new Random(3);

  @AfterAll
  static void close() {
    RUNTIME.close();
  }

  private static void assertRejected(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private DataType any() {
    return FLOATS[random.nextInt(3)];
  }

  @Test
  void routesToTheOraclesBits() {
    for (int seed = 0; seed < SEEDS; seed++) {
      random.setSeed(seed);
      RouterProblem problem = new RouterProblem(random);
      Routing chosen = problem.routing();
      Routing expected = problem.expected(problem.x);
      RUNTIME.experts().route(problem.onHost(), problem.x, chosen, problem.m);
      assertThat(chosen.ids().toInts()).as("seed %d", seed).isEqualTo(expected.ids().toInts());
      assertThat(Problems.bits(chosen.weights()))
          .as("seed %d", seed)
          .isEqualTo(Problems.bits(expected.weights()));
    }
  }

  @Test
  void routesByHandInStrides() {
    TernaryBuffer logits = TernaryBuffer.copyOf(DataType.F32, 1, 9, 2, 2, 0, 5, 5, 5, 5, 0);
    TernaryBuffer ids = TernaryBuffer.copyOf(7, 7, 7, 7, 7, 7);
    TernaryBuffer weights = Problems.filled(DataType.F32, 8, 7);
    Router router = Router.builder(4, 2).method(RouteMethod.TOPK_SOFTMAX).build();
    RUNTIME.experts().route(router, logits, 5, Routing.of(ids, 3, weights, 4, 2), 2);
    assertThat(ids.toInts()).containsExactly(1, 2, 7, 0, 1, 7);
    float[] w = weights.toArray();
    assertThat(w[0]).isGreaterThan(0.999f);
    assertThat(Arrays.copyOfRange(w, 2, 8)).containsExactly(7, 7, 0.5f, 0.5f, 7, 7);
  }

  @Test
  void aCorrectionBiasChoosesAndDoesNotWeigh() {
    TernaryBuffer logits = TernaryBuffer.copyOf(DataType.F32, 0, 0, 0, 0);
    Router router =
        Router.builder(4, 1)
            .method(RouteMethod.SIGMOID_TOPK)
            .correctionBias(TernaryBuffer.copyOf(DataType.F32, 0, 0, 1, 0))
            .scaling(3)
            .build();
    Routing chosen = Routing.allocate(1, 1, DataType.F32);
    RUNTIME.experts().route(router, logits, chosen, 1);
    assertThat(chosen.ids().toInts()).containsExactly(2);
    assertThat(chosen.weights().toArray()).containsExactly(1.5f);
  }

  /** Of three groups of two the sums are 5, 4 and 6, the largest 3, 4 and 3. */
  @Test
  void choosesOfGroupsByHand() {
    TernaryBuffer logits = TernaryBuffer.copyOf(DataType.F32, 3, 2, 4, 0, 3, 3);
    Router.Builder router = Router.builder(6, 2).method(RouteMethod.TOPK_SOFTMAX);
    assertThat(chosen(router.groups(3, 1, GroupScore.TOP2), logits)).containsExactly(4, 5);
    assertThat(chosen(router.groups(3, 1, GroupScore.MAX), logits)).containsExactly(2, 3);
    assertThat(chosen(router.groups(3, 2, GroupScore.TOP2), logits)).containsExactly(0, 4);
    assertThat(chosen(router.groups(0, 0, GroupScore.TOP2), logits)).containsExactly(2, 0);
  }

  private static int[] chosen(Router.Builder router, TernaryBuffer logits) {
    Routing routing = Routing.allocate(1, 2, DataType.F32);
    RUNTIME.experts().route(router.build(), logits, routing, 1);
    return routing.ids().toInts();
  }

  /** The sigmoid of 0 is a half, exactly; 1 + 2^-9 becomes 1 in bf16. */
  @Test
  void renormalisesAndMakesLogitsByHand() {
    TernaryBuffer x = TernaryBuffer.copyOf(DataType.F32, 1, 2);
    TernaryBuffer matrix = TernaryBuffer.copyOf(DataType.F16, 1, -1, -1, -1, 2, -0.5f);
    TernaryBuffer bias = TernaryBuffer.copyOf(DataType.F32, 2, 4, 0x1p-9f);
    Routing routing = Routing.allocate(1, 2, DataType.F32);
    Router.Builder router =
        Router.builder(3, 2).method(RouteMethod.SIGMOID_TOPK).matrix(matrix, 2).bias(bias);
    RUNTIME.experts().route(router.roundLogits(DataType.BF16).build(), x, routing, 1);
    assertThat(routing.ids().toInts()).containsExactly(0, 1); // three logits of 1
    RUNTIME.experts().route(router.roundLogits(DataType.F32).build(), x, routing, 1);
    assertThat(routing.ids().toInts()).containsExactly(2, 0);
    TernaryBuffer zeros = TernaryBuffer.allocate(DataType.F32, 2);
    Router half = Router.builder(2, 2).method(RouteMethod.SIGMOID_TOPK).renormalise(1).build();
    RUNTIME.experts().route(half, zeros, routing, 1);
    assertThat(routing.weights().toArray()).containsExactly(0.25f, 0.25f); // 0.5 / (0.5 + 0.5 + 1)
  }

  @Test
  void refusesWhatRouteCannotDo() {
    TernaryBuffer logits = TernaryBuffer.allocate(DataType.F32, 8);
    Routing chosen = Routing.of(TernaryBuffer.copyOf(5, 5), Problems.filled(DataType.F32, 2, 5), 2);
    Experts experts = RUNTIME.experts();
    assertRejected(() -> Router.builder(0, 1), "E is 0");
    assertRejected(() -> Router.builder(4, 5), "k is 5", "4");
    assertRejected(() -> Router.builder(100, 65), "k is 65", "64");
    assertRejected(() -> Router.builder(8, 2).bias(logits).build(), "without a matrix");
    assertRejected(() -> Router.builder(8, 2).matrix(logits, 0).build(), "H is 0");
    Router router = Router.builder(8, 2).build();
    assertRejected(() -> experts.route(null, logits, chosen, 1), "router is null");
    assertRejected(() -> experts.route(router, null, chosen, 1), "logits is null");
    assertRejected(() -> experts.route(router, logits, null, 1), "routing is null");
    assertRejected(() -> experts.route(router, logits, chosen, 2), "logits has 32 bytes", "64");
    assertRejected(
        () -> experts.route(router, TernaryBuffer.allocate(DataType.I8, 8), chosen, 1),
        "logits is of type I8");
    assertRejected(
        () -> experts.route(Router.builder(8, 3).build(), logits, chosen, 1), "2 slots", "3");
    assertRejected(
        () -> experts.route(router, logits, Routing.of(chosen.ids(), null, 2), 1),
        "weights are null");
    assertRejected(
        () -> experts.route(Router.builder(8, 2).scaling(0).build(), logits, chosen, 1),
        "scaling is 0");
    assertRejected(
        () -> experts.route(Router.builder(8, 2).renormalise(-1).build(), logits, chosen, 1),
        "renormalise_eps is -1");
    Router grouped = Router.builder(8, 2).groups(3, 1, GroupScore.MAX).build();
    assertRejected(() -> experts.route(grouped, logits, chosen, 1), "groups is 3", "8");
    Router ofX = Router.builder(8, 2).matrix(logits, 2).build();
    assertRejected(() -> experts.route(ofX, logits, chosen, 1), "the router's matrix has 32", "64");
    Router biased = Router.builder(8, 2).correctionBias(logits.slice(0, 7)).build();
    assertRejected(() -> experts.route(biased, logits, chosen, 1), "correctionBias has 28", "32");
    assertThat(chosen.ids().toInts()).containsOnly(5);
    assertThat(chosen.weights().toArray()).containsOnly(5);
  }

  @Test
  void refusesRoutingsOfWrongMemory() {
    TernaryBuffer floats = TernaryBuffer.allocate(DataType.F32, 4);
    TernaryBuffer ids = TernaryBuffer.copyOf(0, 0, 0, 0);
    assertRejected(() -> Routing.of(null, floats, 2), "ids is null");
    assertRejected(() -> Routing.of(floats, floats, 2), "ids is of type F32", "I32");
    assertRejected(
        () -> Routing.of(ids, TernaryBuffer.allocate(DataType.F16, 4), 2),
        "weights are of type F16");
    assertRejected(() -> Routing.of(ids, floats, 0), "0 slots");
    assertRejected(() -> Routing.of(ids, floats, 65), "65 slots");
    assertRejected(() -> Routing.allocate(1, 2, DataType.F16), "F16");
    Router router = Router.builder(2, 2).build();
    assertRejected(
        () -> RUNTIME.experts().route(router, floats, Routing.of(ids, 1, floats, 2, 2), 1),
        "row stride of ids is 1");
  }

  @Test
  void alignsByHandAndToTheOracle() {
    Routing chosen = Routing.of(TernaryBuffer.copyOf(2, 0, -1, 2, 0, 2), null, 2);
    TernaryBuffer slots = TernaryBuffer.copyOf(9, 9, 9, 9, 9, 9);
    TernaryBuffer offsets = TernaryBuffer.allocate(DataType.I32, 5);
    RUNTIME.experts().align(chosen, 4, slots, offsets, 3);
    assertThat(slots.toInts()).containsExactly(1, 4, 0, 3, 5, 9);
    assertThat(offsets.toInts()).containsExactly(0, 2, 2, 5, 5);
    TernaryBuffer again = TernaryBuffer.copyOf(9, 9, 9, 9, 9, 9);
    ExpertOracle.align(chosen, 4, again, offsets, 3);
    assertThat(again.toInts()).isEqualTo(slots.toInts());
    Experts experts = RUNTIME.experts();
    assertRejected(() -> experts.align(chosen, 2, slots, offsets, 3), "is 2", "0 to 1");
    assertRejected(() -> experts.align(chosen, 4, slots, offsets, 4), "ids has 24 bytes");
    assertRejected(() -> experts.align(chosen, 5, slots, offsets, 3), "offsets has 20", "24");
    assertRejected(() -> experts.align(chosen, 0, slots, offsets, 3), "E is 0");
    assertRejected(
        () -> experts.align(chosen, 4, TernaryBuffer.allocate(DataType.F32, 6), offsets, 3),
        "slots is of type F32");
    assertRejected(() -> experts.align(chosen, 4, slots, slots, 3), "overlap");
  }

  @Test
  void combinesToTheOraclesBits() {
    int m = 3;
    int slots = 4;
    int h = 37;
    for (DataType type : FLOATS) {
      TernaryBuffer d = Problems.activations(random, type, m * slots * h);
      int[] ids = {0, 1, -1, 1, -1, -1, -1, -1, 1, 1, 0, 0};
      Routing chosen =
          Routing.of(
              TernaryBuffer.copyOf(ids), Problems.activations(random, DataType.BF16, 12), slots);
      TernaryBuffer residual = Problems.activations(random, any(), m * h);
      TernaryBuffer y = TernaryBuffer.allocate(type, m * h);
      TernaryBuffer sum = TernaryBuffer.allocate(residual.dataType(), m * h);
      TernaryBuffer expected = TernaryBuffer.allocate(type, m * h);
      TernaryBuffer expectedSum = TernaryBuffer.allocate(residual.dataType(), m * h);
      Experts experts = RUNTIME.experts();
      experts.combine(d, slots * h, chosen, 2, h, 1.5f, residual, sum, h, y, h, m);
      ExpertOracle.combine(
          d, slots * h, chosen, 2, h, 1.5f, residual, expectedSum, h, expected, h, m);
      Problems.assertSameBits(y, expected);
      Problems.assertSameBits(sum, expectedSum);
      assertRejected(
          () -> experts.combine(d, slots * h, chosen, 1, h, 1, null, null, 0, y, h, m), "is 1");
      assertRejected(
          () -> experts.combine(d, slots * h, chosen, 2, h + 1, 1, null, null, 0, y, h, m),
          "row stride of d");
      assertRejected(
          () -> experts.combine(d, slots * h, chosen, 2, h, 0, null, null, 0, y, h, m), "scaling");
      assertRejected(
          () -> experts.combine(d, slots * h, chosen, 2, h, 1, residual, null, h, y, h, m),
          "residualOut is null");
    }
  }

  @Test
  void aClosedRuntimeChoosesNothing() {
    TernaryRuntime closed = TestDevice.onCpu().build();
    closed.close();
    TernaryBuffer logits = TernaryBuffer.allocate(DataType.F32, 2);
    Routing chosen = Routing.allocate(1, 1, DataType.F32);
    assertThatThrownBy(
            () -> closed.experts().route(Router.builder(2, 1).build(), logits, chosen, 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the runtime is closed, must be open");
  }
}
