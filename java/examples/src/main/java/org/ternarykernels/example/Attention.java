package org.ternarykernels.example;

import java.util.Arrays;

/**
 * Causal grouped-query attention of one layer with its KV cache, a position at a time in fp32.
 *
 * <p>The cache is laid out so that the inner loops run over independent sums: a row of keys is one
 * feature of a head at all positions, a row of values all features of a head at one position. They
 * vectorise (rows of their own, without an offset, or the JIT does not see it: 0.1 ns a product
 * instead of 0.6), yet every sum keeps its order. It grows with the text: a context is a promise of
 * config.json, and may be far longer than any text.
 */
final class Attention {
  /** Positions that the cache begins with. */
  private static final int FIRST = 64;

  private final AttentionConfig config;
  private final int context;
  private final RotaryEmbedding rotary;

  /** {@code [head * dim + feature][position]}. */
  private final float[][] keys;

  /** {@code [head][position][feature]}. */
  private final float[][][] values;

  private float[] scores;
  private final float[] mixed;

  /**
   * @param context positions beyond which no text grows
   */
  Attention(AttentionConfig config, int context, RotaryEmbedding rotary) {
    this.config = config;
    this.context = context;
    this.rotary = rotary;
    keys = new float[config.keys()][0];
    values = new float[config.kvHeads()][0][];
    scores = new float[0];
    mixed = new float[config.headDim()];
  }

  /**
   * Adds a position to the cache and attends to all positions up to it.
   *
   * @param qkv queries, keys and values of the position; turned in place
   * @param out receives the heads' outputs, one after the other
   */
  void append(int position, float[] qkv, float[] out) {
    reserve(position + 1);
    int dim = config.headDim();
    for (int h = 0; h < config.heads() + config.kvHeads(); h++) {
      rotary.rotate(qkv, h * dim, position);
    }
    remember(position, qkv);
    int headsPerGroup = config.heads() / config.kvHeads();
    for (int h = 0; h < config.heads(); h++) {
      weigh(qkv, h * dim, h / headsPerGroup, position + 1);
      mix(h / headsPerGroup, position + 1);
      System.arraycopy(mixed, 0, out, h * dim, dim);
    }
  }

  /** Makes room for so many positions, and for as many again, so that texts cost no copies. */
  private void reserve(int positions) {
    int old = scores.length;
    if (positions <= old) {
      return;
    }
    int room = (int) Math.min(context, Math.max(FIRST, 2L * positions));
    rotary.reserve(room);
    scores = new float[room];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = Arrays.copyOf(keys[i], room);
    }
    for (int g = 0; g < values.length; g++) {
      values[g] = Arrays.copyOf(values[g], room);
      for (int t = old; t < room; t++) {
        values[g][t] = new float[config.headDim()];
      }
    }
  }

  private void remember(int position, float[] qkv) {
    int dim = config.headDim();
    int key = config.queries();
    int value = key + config.keys();
    for (int i = 0; i < config.keys(); i++) {
      keys[i][position] = qkv[key + i];
    }
    for (int g = 0; g < config.kvHeads(); g++) {
      System.arraycopy(qkv, value + g * dim, values[g][position], 0, dim);
    }
  }

  /** scores = softmax(q . keys / sqrt(dim)) over the first {@code count} positions. */
  private void weigh(float[] q, int offset, int group, int count) {
    int dim = config.headDim();
    Arrays.fill(scores, 0, count, 0);
    for (int d = 0; d < dim; d++) {
      float x = q[offset + d];
      float[] row = keys[group * dim + d];
      for (int t = 0; t < count; t++) {
        scores[t] += x * row[t];
      }
    }
    float scale = (float) (1 / Math.sqrt(dim));
    float max = Float.NEGATIVE_INFINITY;
    for (int t = 0; t < count; t++) {
      scores[t] *= scale;
      max = Math.max(max, scores[t]);
    }
    float sum = 0;
    for (int t = 0; t < count; t++) {
      // StrictMath: Math.exp may be an intrinsic that differs between machines.
      scores[t] = (float) StrictMath.exp(scores[t] - max);
      sum += scores[t];
    }
    for (int t = 0; t < count; t++) {
      scores[t] /= sum;
    }
  }

  /** mixed = sum over positions of score * value. */
  private void mix(int group, int count) {
    Arrays.fill(mixed, 0);
    for (int t = 0; t < count; t++) {
      float weight = scores[t];
      float[] row = values[group][t];
      for (int d = 0; d < mixed.length; d++) {
        mixed[d] += weight * row[d];
      }
    }
  }
}
