package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.MangroveCheckpoint;
import org.ternarykernels.io.SafetensorsFile;

/** Routing and experts of every block against the reference's decisions and outputs. */
class MangroveExpertsTest {
  private static final double U = 0x1p-24;

  /** Tokens of the reference's prompt. */
  private static final int M = 32;

  private final TernaryRuntime runtime = TernaryRuntime.create();
  private final Model model = Model.load(runtime, TinyMangrove.FOLDER, Activation.A16);
  private final ModelConfig config = model.config();
  private final FeedForwardConfig.Experts sizes = (FeedForwardConfig.Experts) config.feedForward();
  private final MangroveCheckpoint checkpoint = MangroveCheckpoint.open(TinyMangrove.FOLDER);
  private final SafetensorsFile file = TinyMangrove.open("activations.safetensors");

  @AfterEach
  void close() {
    file.close();
    checkpoint.close();
    model.close();
    runtime.close();
  }

  /**
   * Residual stream, norm, router and experts of a block, fed with the reference's stream. The
   * bounds are {@link ExpertsBound}'s.
   */
  @Test
  void aBlocksStreamBecomesTheReferencesDecisionsAndOutputs() {
    float[] residual = embedded();
    int decided = 0;
    for (int i = 0; i < config.layers(); i++) {
      float[] attention = floats(i, "o_proj.output");
      Rows rows = rows();
      rows.residual.put(0, residual);
      rows.delta.put(0, attention);
      ExpertFeedForward layer = (ExpertFeedForward) model.block(i).feedForward();
      layer.apply(rows);
      float[] stream = sum(residual, attention);
      assertThat(rows.residual.toArray()).as("the residual stream").isEqualTo(stream);
      float[] x = floats(i, "moe.input");
      assertRelative(layer.scratch(rows).normed.toArray(), x, (config.hidden() + 10) * U);
      ExpertsBound bound = new ExpertsBound(checkpoint, config, "model.layers." + i + ".mlp.");
      float[] y = rows.delta.toArray();
      for (int row = 0; row < M; row++) {
        double logit = bound.logit(x, row);
        if (isSure(i, row, logit)) {
          decided++;
          assertSameDecision(i, row, layer.scratch(rows), ExpertsBound.weight(logit));
          assertOutput(i, row, y, bound.output(x, row, ids(i, row), weights(i, row), logit));
        }
      }
      residual = sum(stream, floats(i, "moe.output"));
    }
    assertMost(decided);
  }

  /**
   * All blocks one after the other, on our own stream. Logits of the router are then off by what
   * about 6,500 roundings in a row do, which err like a random walk: {@code 4 * sqrt(6500) u} of
   * {@code sum |x * w|}.
   */
  @Test
  void theNetworkDecidesAsTheReferenceWhereTheMarginAllows() {
    Rows rows = rows();
    rows.residual.put(0, embedded());
    rows.delta.put(0, new float[M * config.hidden()]);
    int decided = 0;
    for (int i = 0; i < config.layers(); i++) {
      Model.Block block = model.block(i);
      block.attention().project(rows);
      attend(rows);
      block.attention().output(rows);
      ExpertFeedForward layer = (ExpertFeedForward) block.feedForward();
      layer.apply(rows);
      ExpertsBound bound = new ExpertsBound(checkpoint, config, "model.layers." + i + ".mlp.");
      for (int row = 0; row < M; row++) {
        double logit = 4 * Math.sqrt(6500) * U * bound.logitSize(floats(i, "moe.input"), row);
        if (isSure(i, row, logit)) {
          decided++;
          assertSameDecision(i, row, layer.scratch(rows), ExpertsBound.weight(logit));
        }
      }
    }
    assertMost(decided);
  }

  /**
   * Margins are the reference's; the bounds must not be so wide that they leave little to check.
   */
  private void assertMost(int decided) {
    assertThat(decided).isGreaterThanOrEqualTo(config.layers() * M * 9 / 10);
  }

  private void attend(Rows rows) {
    AttentionConfig attention = config.attention();
    Attention layer =
        new Attention(
            attention,
            config.context(),
            new RotaryEmbedding(attention.headDim(), attention.ropeTheta()));
    float[] qkv = new float[attention.projected()];
    float[] heads = new float[attention.queries()];
    for (int row = 0; row < M; row++) {
      rows.qkv.get((long) row * qkv.length, qkv);
      layer.append(row, qkv, heads);
      rows.heads.put((long) row * heads.length, heads);
    }
  }

  /** The same experts in the same order, with weights that differ by a share of them. */
  private void assertSameDecision(
      int block, int row, ExpertFeedForward.Scratch scratch, double share) {
    int slots = sizes.perToken();
    int[] ids = new int[slots];
    float[] weights = new float[slots];
    scratch.routing.ids().getInts((long) row * slots, ids);
    scratch.routing.weights().get((long) row * slots, weights);
    assertThat(ids).as("block %d, row %d", block, row).containsExactlyInAnyOrder(ids(block, row));
    float[] expected = weights(block, row);
    int[] expectedIds = ids(block, row);
    for (int t = 0; t < slots; t++) {
      int id = ids[t];
      int at = 0;
      while (expectedIds[at] != id) {
        at++;
      }
      assertThat((double) weights[t])
          .as("block %d, row %d, weight of %d", block, row, id)
          .isCloseTo(expected[at], within(share * expected[at]));
    }
  }

  private void assertOutput(int block, int row, float[] y, double[] bound) {
    float[] expected = floats(block, "moe.output");
    for (int j = 0; j < bound.length; j++) {
      int at = row * bound.length + j;
      assertThat((double) y[at])
          .as("block %d, row %d, column %d", block, row, j)
          .isCloseTo(expected[at], within(bound[j]));
    }
  }

  private static void assertRelative(float[] values, float[] expected, double share) {
    for (int j = 0; j < values.length; j++) {
      assertThat((double) values[j])
          .as("element %d", j)
          .isCloseTo(expected[j], within(share * Math.abs(expected[j])));
    }
  }

  private int[] ids(int block, int row) {
    return Arrays.stream(
            Arrays.copyOfRange(
                file.tensor("layers." + block + ".router.ids").toLongs(),
                row * sizes.perToken(),
                (row + 1) * sizes.perToken()))
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  private float[] weights(int block, int row) {
    return Arrays.copyOfRange(
        floats(block, "router.weights"), row * sizes.perToken(), (row + 1) * sizes.perToken());
  }

  /** Whether the reference's margin allows no other decision with logits that are off so far. */
  private boolean isSure(int block, int row, double logit) {
    int experts = sizes.count();
    float[] logits =
        Arrays.copyOfRange(floats(block, "router.logits"), row * experts, (row + 1) * experts);
    return floats(block, "router.margin")[row]
        > ExpertsBound.margin(logits, sizes.perToken(), logit);
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
