package org.ternarykernels.tool.shadow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.stack.StackProduct;

/** Products of which some values are spoilt behind the kernel's back. */
class DenseShadowTest {
  private static final int N = 40;
  private static final int K = 96;
  private static final int M = 7;
  private static final float EPS = 1e-5f;

  private final TernaryRuntime runtime = TernaryRuntime.create();
  private final RandomProblem random = new RandomProblem(5);
  private final byte[] codes = random.weights(N, K);
  private final Alpha alpha = Alpha.tensor(0.05f);
  private final TernaryWeights weights = TernaryWeights.pack(codes, N, K, alpha);
  private final float[] norm = random.vector(K, 1);
  private final TernaryBuffer x = random.activations(DataType.F16, M, K);
  private final TernaryBuffer residual = random.activations(DataType.F16, M, K);
  private final TernaryBuffer y = TernaryBuffer.allocate(DataType.F16, M * N);
  private final List<Divergence> found = new ArrayList<>();

  @AfterEach
  void close() {
    weights.close();
    runtime.close();
  }

  private StackProduct product(Activation activation, boolean normed) {
    return new StackProduct(
        new Shape(N, K, "o"),
        Layout.I2S_TILED,
        activation,
        codes,
        alpha,
        normed ? norm : null,
        EPS,
        x,
        normed ? residual : null,
        y);
  }

  private void multiply(Activation activation) {
    try (TernaryLinear layer =
        TernaryLinear.builder(runtime, weights).activation(activation).build()) {
      layer.apply(x, y, M);
    }
  }

  private DenseShadow shadow(long every, double factor) {
    return new DenseShadow(runtime, every, factor, found::add);
  }

  private void spoil(int row, int column, float by) {
    long at = (long) row * N + column;
    y.put(at, new float[] {y.get(at) + by});
  }

  @Test
  void rightProductsAreWithinTheBound() {
    DenseShadow shadow = shadow(1, 1);
    shadow.call(product(Activation.A8, false), M, () -> multiply(Activation.A8));
    shadow.call(product(Activation.A16, false), M, () -> multiply(Activation.A16));
    shadow.call(
        product(Activation.A8, true),
        M,
        () -> {
          TernaryBuffer sum = TernaryBuffer.allocate(DataType.F16, M * K);
          try (RmsNormLinear layer =
              RmsNormLinear.builder(runtime, weights).norm(norm, EPS).build()) {
            layer.apply(x, residual, sum, y, M);
          }
        });
    assertThat(found).isEmpty();
    assertThat(shadow.sampled()).isEqualTo(3);
    assertThat(shadow.different()).isZero();
  }

  @Test
  void aSpoiltValueIsFoundWithItsRow() {
    DenseShadow shadow = shadow(1, 1);
    shadow.call(
        product(Activation.A8, false),
        M,
        () -> {
          multiply(Activation.A8);
          spoil(4, 11, 3);
          spoil(4, 12, -5);
          spoil(5, 12, 9); // of rows 0, 2, 4 and 6 only
        });
    assertThat(found).hasSize(1);
    Divergence one = found.get(0);
    assertThat(one.op()).isEqualTo("linear");
    assertThat(one.m()).isEqualTo(M);
    assertThat(one.n()).isEqualTo(N);
    assertThat(one.k()).isEqualTo(K);
    assertThat(one.activation()).isEqualTo("A8");
    assertThat(one.layout()).isEqualTo("i2s_tiled");
    assertThat(one.path()).startsWith("linear.").contains(".cpu.");
    assertThat(one.by()).isEqualTo("dense");
    assertThat(one.worstRow()).isEqualTo(4);
    assertThat(one.different()).isEqualTo(2);
    assertThat(one.elements()).isEqualTo(4 * N);
    assertThat(one.maxAbs()).isCloseTo(5, within(0.1)); // the bound is below that
    assertThat(one.maxRel()).isPositive();
  }

  @Test
  void aValueThatIsNotFiniteHasNoSize() {
    shadow(1, 1)
        .call(
            product(Activation.A8, false),
            M,
            () -> {
              multiply(Activation.A8);
              spoil(6, 0, Float.NaN);
            });
    assertThat(found).hasSize(1);
    assertThat(found.get(0).maxAbs()).isNull();
    assertThat(found.get(0).maxRel()).isNull();
    assertThat(found.get(0).worstRow()).isEqualTo(6);
    assertThat(found.get(0).different()).isEqualTo(1);
  }

  @Test
  void aBoundThatCannotBeMetIsBrokenByEveryCall() {
    DenseShadow shadow = shadow(2, 0);
    for (int i = 0; i < 5; i++) {
      shadow.call(product(Activation.A8, false), M, () -> multiply(Activation.A8));
    }
    assertThat(shadow.sampled()).as("the first, and every second from there").isEqualTo(3);
    assertThat(shadow.different()).isEqualTo(3);
    assertThat(found).hasSize(3);
  }
}
