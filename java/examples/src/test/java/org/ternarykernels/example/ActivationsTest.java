package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ternarykernels.DataType;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;
import org.ternarykernels.io.BitNetCheckpoint.Matrix;
import org.ternarykernels.io.SafetensorsFile;

/**
 * Every step of every block, fed with what the reference computed before it, against what the
 * reference computed next: errors do not pile up, so the bounds are tight.
 */
class ActivationsTest {
  private static final double U = 0x1p-24;

  /** Tokens of the reference's prompt: text.txt[1000:1032]. */
  private static final int M = 32;

  private final TernaryRuntime runtime = TernaryRuntime.create();
  private final Model model = Model.load(runtime, TinyBitNet.FOLDER);
  private final ModelConfig config = model.config();
  private final AttentionConfig sizes = config.attention();
  private final int width = ((FeedForwardConfig.Dense) config.feedForward()).width();
  private final BitNetCheckpoint checkpoint = BitNetCheckpoint.open(TinyBitNet.FOLDER);
  private final SafetensorsFile file = TinyBitNet.open("activations.safetensors");

  @BeforeEach
  void nothingUntested() {
    assertThat(file.names()).hasSize(config.layers() * 7 * 2);
  }

  @AfterEach
  void close() {
    file.close();
    checkpoint.close();
    model.close();
    runtime.close();
  }

  /**
   * A ternary layer alone. Both implementations quantise the same input with the same fp32
   * operations, so q is the same and what remains is fp32 rounding: the reference's sum of K
   * products {@code q/scale * w}, and a few on either side.
   */
  @Test
  void everyTernaryLayerMultipliesAsTheReference() {
    for (int i = 0; i < config.layers(); i++) {
      for (Matrix matrix : matrices(i)) {
        float[] x = floats(matrix.name() + ".input");
        float[] y;
        try (TernaryWeights weights = checkpoint.weights(matrix.name(), matrix.n());
            TernaryLinear layer = TernaryLinear.builder(runtime, weights).build()) {
          y = layer.apply(x, M);
        }
        assertWithin(matrix, y, 0, (int) matrix.n(), new double[x.length]);
      }
    }
  }

  /** Norm, Q, K and V; then norm, gate and up: each with the residual stream before it. */
  @Test
  void stackedLayersBehindTheirNormGiveTheReferencesOutputs() {
    float[] residual = embedded();
    float[] delta = new float[residual.length];
    for (int i = 0; i < config.layers(); i++) {
      Matrix[] m = matrices(i);
      Rows rows = rows(residual, delta);
      model.block(i).attention().project(rows);
      assertStacked(rows.qkv.toArray(), m[0], m[1], m[2]);
      float[] added = new float[residual.length];
      float[] y =
          apply(
              feedForward(i).gateUp(),
              floats(m[3].name() + ".output"),
              rows.residual.toArray(),
              added,
              2 * width);
      assertStacked(y, m[4], m[5]);
      residual = added;
      delta = floats(m[6].name() + ".output");
    }
  }

  /**
   * Rotation, scores, softmax and values of the reference's Q, K and V; then sub-norm and output
   * projection.
   */
  @Test
  void attentionGivesTheReferencesOutput() {
    for (int i = 0; i < config.layers(); i++) {
      Matrix[] m = matrices(i);
      float[] q = floats(m[0].name() + ".output");
      float[] k = floats(m[1].name() + ".output");
      float[] v = floats(m[2].name() + ".output");
      Attention attention =
          new Attention(
              sizes, config.context(), new RotaryEmbedding(sizes.headDim(), sizes.ropeTheta()));
      float[] heads = new float[M * sizes.queries()];
      float[] out = new float[sizes.queries()];
      for (int row = 0; row < M; row++) {
        float[] qkv = new float[sizes.queries() + 2 * sizes.keys()];
        System.arraycopy(q, row * sizes.queries(), qkv, 0, sizes.queries());
        System.arraycopy(k, row * sizes.keys(), qkv, sizes.queries(), sizes.keys());
        System.arraycopy(v, row * sizes.keys(), qkv, sizes.queries() + sizes.keys(), sizes.keys());
        attention.append(row, qkv, out);
        System.arraycopy(out, 0, heads, row * out.length, out.length);
      }
      Rows rows = new Rows(config, M);
      rows.count(M);
      rows.heads.put(0, heads);
      model.block(i).attention().output(rows);
      float[] y = rows.delta.toArray();
      assertWithin(m[3], y, 0, config.hidden(), attentionError(m[3], heads, q, k, v));
    }
  }

  /** Squared ReLU of the reference's gate times its up; then sub-norm and down projection. */
  @Test
  void gatedFeedForwardGivesTheReferencesOutput() {
    for (int i = 0; i < config.layers(); i++) {
      Matrix[] m = matrices(i);
      float[] gate = floats(m[4].name() + ".output");
      float[] up = floats(m[5].name() + ".output");
      float[] ffn = new float[gate.length];
      float[] both = new float[2 * width];
      float[] row = new float[width];
      for (int r = 0; r < M; r++) {
        System.arraycopy(gate, r * width, both, 0, width);
        System.arraycopy(up, r * width, both, width, width);
        DenseFeedForward.gate(both, row);
        System.arraycopy(row, 0, ffn, r * width, width);
      }
      float[] y = apply(feedForward(i).down(), ffn, null, null, config.hidden());
      assertWithin(m[6], y, 0, config.hidden(), relative(m[6], width * U));
    }
  }

  private DenseFeedForward feedForward(int block) {
    return (DenseFeedForward) model.block(block).feedForward();
  }

  private Rows rows(float[] residual, float[] delta) {
    Rows rows = new Rows(config, M);
    rows.count(M);
    rows.residual.put(0, residual);
    rows.delta.put(0, delta);
    return rows;
  }

  private void assertStacked(float[] y, Matrix... matrices) {
    int n = Arrays.stream(matrices).mapToInt(matrix -> (int) matrix.n()).sum();
    int offset = 0;
    for (Matrix matrix : matrices) {
      assertWithin(matrix, y, offset, n, relative(matrix, config.hidden() * U));
      offset += (int) matrix.n();
    }
  }

  private static float[] apply(
      RmsNormLinear layer, float[] x, float[] residual, float[] residualOut, int n) {
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) M * n);
    TernaryBuffer stream = residual == null ? null : TernaryBuffer.copyOf(DataType.F32, residual);
    layer.apply(TernaryBuffer.copyOf(DataType.F32, x), stream, stream, y, M);
    if (stream != null) {
      stream.get(0, residualOut);
    }
    return y.toArray();
  }

  /**
   * Asserts that columns {@code offset ...} of y are the reference's output of a matrix.
   *
   * <p>An input that is off by {@code error[m, k]} moves {@code t = x * 127/amax} by at most {@code
   * 127 * (error/amax + |x|/amax * worst)}, {@code worst} being the largest error of the row
   * relative to amax, as amax moves too. Where t is that near to half a step, q may be off by one,
   * which moves y by {@code s * alpha}. Scale and fp32 sums add {@code (worst + (K + 8) u)} of
   * {@code s * alpha * sum |q * w|}.
   */
  private void assertWithin(Matrix matrix, float[] y, int offset, int stride, double[] error) {
    float[] x = floats(matrix.name() + ".input");
    float[] expected = floats(matrix.name() + ".output");
    int n = (int) matrix.n();
    int k = x.length / M;
    byte[] w;
    double alpha;
    try (TernaryWeights weights = checkpoint.weights(matrix.name(), n)) {
      w = weights.unpack();
      alpha = weights.alpha().values()[0];
    }
    for (int row = 0; row < M; row++) {
      double amax = 1e-5;
      double worst = 0;
      for (int i = row * k; i < (row + 1) * k; i++) {
        amax = Math.max(amax, Math.abs(x[i]));
        worst = Math.max(worst, error[i]);
      }
      worst /= amax;
      double[] steps = new double[k];
      boolean[] mayFlip = new boolean[k];
      for (int i = 0; i < k; i++) {
        double t = x[row * k + i] * 127 / amax;
        double moved = 127 * error[row * k + i] / amax + Math.abs(t) * (worst + 3 * U);
        steps[i] = Math.abs(Math.rint(t));
        // With exactly the same input there is nothing to flip: both sides do the same operations.
        mayFlip[i] = worst > 0 && Math.abs(t - Math.floor(t) - 0.5) <= moved;
      }
      for (int column = 0; column < n; column++) {
        double sum = 0;
        int flips = 0;
        for (int i = 0; i < k; i++) {
          if (w[column * k + i] != 0) {
            sum += steps[i];
            flips += mayFlip[i] ? 1 : 0;
          }
        }
        double bound = amax / 127 * alpha * (flips + (worst + (k + 8) * U) * (sum + flips));
        assertThat((double) y[row * stride + offset + column])
            .as("%s, row %d, column %d, %d may flip", matrix.name(), row, column, flips)
            .isCloseTo(expected[row * n + column], within(bound));
      }
    }
  }

  /** An input that is off by a share of itself: fp32 norms and products. */
  private double[] relative(Matrix matrix, double share) {
    float[] x = floats(matrix.name() + ".input");
    double[] error = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      error[i] = share * Math.abs(x[i]);
    }
    return error;
  }

  /**
   * How far the input of the output projection may be off: {@link AttentionBound}, which the
   * sub-norm scales by {@code r * weight}, and its own root mean square is off by as large a share
   * as the row.
   */
  private double[] attentionError(Matrix matrix, float[] heads, float[] q, float[] k, float[] v) {
    int columns = sizes.queries();
    float[] x = floats(matrix.name() + ".input");
    float[] weight = checkpoint.floats(matrix.name().replace("o_proj", "attn_sub_norm.weight"));
    double[] error = AttentionBound.of(sizes, q, k, v);
    for (int row = 0; row < M; row++) {
      double squares = 0;
      double errors = 0;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        squares += (double) heads[i] * heads[i];
        errors += error[i] * error[i];
      }
      double r = 1 / Math.sqrt(squares / columns + config.eps());
      double share = Math.sqrt(errors / squares) + columns * U;
      for (int i = row * columns; i < (row + 1) * columns; i++) {
        error[i] = error[i] * r * Math.abs(weight[i % columns]) + share * Math.abs(x[i]);
      }
    }
    return error;
  }

  private float[] embedded() {
    try {
      int[] tokens = Arrays.copyOfRange(TinyBitNet.text(), 1000, 1000 + M);
      float[] embedded = new float[M * config.hidden()];
      for (int row = 0; row < M; row++) {
        model.embed(tokens[row], embedded, row * config.hidden());
      }
      return embedded;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private float[] floats(String name) {
    return file.tensor(name).toFloats();
  }

  /** q, k, v, o, gate, up, down. */
  private Matrix[] matrices(int block) {
    String attention = "model.layers." + block + ".self_attn.";
    String ffn = "model.layers." + block + ".mlp.";
    return new Matrix[] {
      new Matrix(attention + "q_proj", sizes.queries()),
          new Matrix(attention + "k_proj", sizes.keys()),
      new Matrix(attention + "v_proj", sizes.keys()),
          new Matrix(attention + "o_proj", config.hidden()),
      new Matrix(ffn + "gate_proj", width), new Matrix(ffn + "up_proj", width),
      new Matrix(ffn + "down_proj", config.hidden())
    };
  }
}
