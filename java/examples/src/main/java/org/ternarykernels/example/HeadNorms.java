package org.ternarykernels.example;

import org.ternarykernels.DataType;
import org.ternarykernels.Heads;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;

/** RMSNorms of the heads of Q and of K. */
final class HeadNorms {
  private final TernaryRuntime runtime;
  private final AttentionConfig config;
  private final TernaryBuffer q;
  private final TernaryBuffer k;
  private final float eps;

  /**
   * @param q weights of every head of Q, {@code headDim} of them
   * @param k weights of every head of K
   */
  HeadNorms(TernaryRuntime runtime, AttentionConfig config, float[] q, float[] k, float eps) {
    this.runtime = runtime;
    this.config = config;
    this.q = TernaryBuffer.copyOf(DataType.F32, q);
    this.k = TernaryBuffer.copyOf(DataType.F32, k);
    this.eps = eps;
  }

  /**
   * Normalises in place.
   *
   * @param qkv Q, K and V beside each other
   * @param stride elements from one row to the next
   */
  void apply(TernaryBuffer qkv, long stride, int count) {
    long from = config.queries();
    TernaryBuffer keys = qkv.slice(from, (count - 1) * stride + config.keys());
    runtime.qkNorm(
        Heads.of(qkv, stride, config.heads(), q, eps),
        Heads.of(keys, stride, config.kvHeads(), k, eps),
        config.headDim(),
        count);
  }
}
