package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.MangroveCheckpoint;
import org.ternarykernels.io.SafetensorsFile;

/**
 * Every step of attention in every block, fed with what the reference computed before it, against
 * what the reference computed next. Both round fp32 and nothing else, in orders of their own.
 */
class MangroveActivationsTest {
  private static final double U = 0x1p-24;

  /** Tokens of the reference's prompt. */
  private static final int M = 32;

  private final TernaryRuntime runtime = TernaryRuntime.create();
  private final Model model = Model.load(runtime, TinyMangrove.FOLDER, Activation.A16);
  private final ModelConfig config = model.config();
  private final AttentionConfig sizes = config.attention();
  private final MangroveCheckpoint checkpoint = MangroveCheckpoint.open(TinyMangrove.FOLDER);
  private final SafetensorsFile file = TinyMangrove.open("activations.safetensors");

  @BeforeEach
  void nothingUntested() {
    // tokens; of a block 4 projections and 2 norms, in and out; MangroveExpertsTest has the rest
    assertThat(file.names()).hasSize(1 + config.layers() * (4 * 2 + 2 * 2 + 6));
  }

  @AfterEach
  void close() {
    file.close();
    checkpoint.close();
    model.close();
    runtime.close();
  }

  /** A ternary matrix whose products are compared. */
  private record Matrix(byte[] w, float[] alpha, int n, int k) {}

  private Matrix matrix(int block, String name, int n, int k) {
    String full = "model.layers." + block + ".self_attn." + name;
    try (TernaryWeights weights = checkpoint.weights(full, n, k)) {
      return new Matrix(weights.unpack(), weights.alpha().values(), n, k);
    }
  }

  /** {@code sum |x * w * alpha|} of an output. */
  private static double size(Matrix matrix, float[] x, int row, int column) {
    double size = 0;
    for (int k = 0; k < matrix.k; k++) {
      if (matrix.w[column * matrix.k + k] != 0) {
        size += Math.abs((double) x[row * matrix.k + k] * matrix.alpha[k]);
      }
    }
    return size;
  }

  /**
   * What two products may differ by, as a share of {@link #size}: {@code (K + 8) 2^-23} a side, as
   * A16's contract has it.
   */
  private static double share(int k) {
    return 2 * (k + 8) * 0x1p-23;
  }

  /**
   * What two RMSNorms may differ by, as a share of the value: a sum of K squares is off by K u, its
   * root by half of that, and few roundings follow.
   */
  private static double normShare(int k) {
    return (k + 10) * U;
  }

  @Test
  void everyProjectionMultipliesAsTheReference() {
    for (int i = 0; i < config.layers(); i++) {
      for (String name : new String[] {"q_proj", "k_proj", "v_proj", "o_proj"}) {
        float[] x = floats(i, name + ".input");
        float[] expected = floats(i, name + ".output");
        Matrix matrix = matrix(i, name, expected.length / M, x.length / M);
        float[] y;
        try (TernaryWeights weights =
                checkpoint.weights("model.layers." + i + ".self_attn." + name, matrix.n, matrix.k);
            TernaryLinear layer =
                TernaryLinear.builder(runtime, weights).activation(Activation.A16).build()) {
          y = layer.apply(x, M);
        }
        for (int j = 0; j < y.length; j++) {
          double bound = share(matrix.k) * size(matrix, x, j / matrix.n, j % matrix.n);
          assertThat((double) y[j]).as(name + " %d", j).isCloseTo(expected[j], within(bound));
        }
      }
    }
  }

  @Test
  void headsOfQAndKAreNormalisedAsTheReference() {
    for (int i = 0; i < config.layers(); i++) {
      Rows rows = rows();
      float[] q = floats(i, "q_norm.input");
      float[] k = floats(i, "k_norm.input");
      rows.qkv.put(0, beside(q, k, new float[M * sizes.keys()]));
      model.block(i).attention().norms().apply(rows.qkv, sizes.projected(), M);
      float[] qkv = rows.qkv.toArray();
      assertHeads(qkv, 0, sizes.queries(), floats(i, "q_norm.output"), new double[q.length]);
      assertHeads(
          qkv, sizes.queries(), sizes.keys(), floats(i, "k_norm.output"), new double[k.length]);
    }
  }

  /** Columns of qkv against heads of the reference, which {@code error} is added to. */
  private void assertHeads(float[] qkv, int from, int width, float[] expected, double[] error) {
    for (int j = 0; j < expected.length; j++) {
      double bound = normShare(sizes.headDim()) * Math.abs(expected[j]) + error[j];
      assertThat((double) qkv[j / width * sizes.projected() + from + j % width])
          .as("column %d, element %d", from, j)
          .isCloseTo(expected[j], within(bound));
    }
  }

  /** Residual stream, norm, Q, K and V, and the norms of their heads, in one call. */
  @Test
  void aBlocksStreamBecomesTheReferencesQAndKAndV() {
    float[] residual = embedded();
    float[] delta = new float[residual.length];
    for (int i = 0; i < config.layers(); i++) {
      Rows rows = rows();
      rows.residual.put(0, residual);
      rows.delta.put(0, delta);
      model.block(i).attention().project(rows);
      float[] qkv = rows.qkv.toArray();
      double[] none = projected(i, "v_proj", sizes.keys());
      float[] v = floats(i, "v_proj.output");
      assertHeads(qkv, sizes.queries() + sizes.keys(), sizes.keys(), v, none);
      assertHeads(
          qkv, 0, sizes.queries(), floats(i, "q_norm.output"), normed(i, "q", sizes.queries()));
      assertHeads(
          qkv,
          sizes.queries(),
          sizes.keys(),
          floats(i, "k_norm.output"),
          normed(i, "k", sizes.keys()));
      residual = sum(rows.residual.toArray(), floats(i, "o_proj.output"));
      delta = floats(i, "moe.output");
    }
  }

  /** How far a projection may be off behind a norm of its own. */
  private double[] projected(int block, String name, int n) {
    float[] x = floats(block, name + ".input");
    Matrix matrix = matrix(block, name, n, config.hidden());
    double[] error = new double[M * n];
    for (int j = 0; j < error.length; j++) {
      error[j] = (share(matrix.k) + normShare(matrix.k)) * size(matrix, x, j / n, j % n);
    }
    return error;
  }

  /**
   * How far a head may be off, that is normalised behind such a projection: {@code r * weight} of
   * what its values are off, and as large a share of them as their root mean square is off.
   */
  private double[] normed(int block, String side, int n) {
    float[] x = floats(block, side + "_norm.input");
    float[] y = floats(block, side + "_norm.output");
    double[] error = projected(block, side + "_proj", n);
    int dim = sizes.headDim();
    for (int head = 0; head < x.length / dim; head++) {
      double errors = 0;
      for (int j = head * dim; j < (head + 1) * dim; j++) {
        errors += error[j] * error[j];
      }
      double share = Math.sqrt(errors) / AttentionBound.norm(x, head * dim, dim);
      for (int j = head * dim; j < (head + 1) * dim; j++) {
        double scale = x[j] == 0 ? 0 : Math.abs(y[j] / x[j]);
        error[j] = 1.01 * (scale * error[j] + share * Math.abs(y[j]));
      }
    }
    return error;
  }

  /** Rotation, scores, softmax and values. */
  @Test
  void attentionGivesTheReferencesHeads() {
    for (int i = 0; i < config.layers(); i++) {
      float[] q = floats(i, "q_norm.output");
      float[] k = floats(i, "k_norm.output");
      float[] v = floats(i, "v_proj.output");
      float[] all = beside(q, k, v);
      double[] bound = AttentionBound.of(sizes, q, k, v);
      float[] expected = floats(i, "o_proj.input");
      Attention attention =
          new Attention(
              sizes, config.context(), new RotaryEmbedding(sizes.headDim(), sizes.ropeTheta()));
      float[] out = new float[sizes.queries()];
      for (int row = 0; row < M; row++) {
        int width = sizes.projected();
        attention.append(row, Arrays.copyOfRange(all, row * width, (row + 1) * width), out);
        for (int j = 0; j < out.length; j++) {
          assertThat((double) out[j])
              .as("block %d, row %d, column %d", i, row, j)
              .isCloseTo(expected[row * out.length + j], within(bound[row * out.length + j]));
        }
      }
    }
  }

  private float[] embedded() {
    long[] tokens = file.tensor("tokens").toLongs();
    float[] embedded = new float[M * config.hidden()];
    for (int row = 0; row < M; row++) {
      model.embed((int) tokens[row], embedded, row * config.hidden());
    }
    return embedded;
  }

  private Rows rows() {
    Rows rows = new Rows(config, M);
    rows.count(M);
    return rows;
  }

  /** Matrices of M rows beside each other. */
  private static float[] beside(float[]... parts) {
    int width = Arrays.stream(parts).mapToInt(part -> part.length / M).sum();
    float[] all = new float[M * width];
    for (int row = 0; row < M; row++) {
      int at = row * width;
      for (float[] part : parts) {
        System.arraycopy(part, row * (part.length / M), all, at, part.length / M);
        at += part.length / M;
      }
    }
    return all;
  }

  private static float[] sum(float[] a, float[] b) {
    float[] sum = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }

  private float[] floats(int block, String name) {
    return file.tensor("layers." + block + "." + name).toFloats();
  }
}
