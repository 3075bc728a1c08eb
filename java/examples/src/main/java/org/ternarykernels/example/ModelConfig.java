package org.ternarykernels.example;

import java.util.List;

/**
 * What a network is made of: blocks of attention and a feed-forward layer around a residual stream,
 * between an embedding and the same embedding as output layer.
 *
 * @param hidden features of the residual stream
 * @param layers blocks
 * @param context positions the model was trained for; the KV cache grows no longer
 * @param eps of every RMSNorm
 * @param unknown names of values of {@code config.json} that this model does not know; those that
 *     can change its numbers have been refused
 */
public record ModelConfig(
    int vocabulary,
    int hidden,
    int layers,
    int context,
    float eps,
    AttentionConfig attention,
    FeedForwardConfig feedForward,
    List<String> unknown) {

  /** Weights that a token reads of all ternary layers. */
  public long ternaryWeights() {
    double columns =
        2.0 * attention.queries() + 2.0 * attention.keys() + 3.0 * feedForward.activeWidth();
    return (long) (layers * columns * hidden); // exact below 2^53, and no overflow above
  }
}
