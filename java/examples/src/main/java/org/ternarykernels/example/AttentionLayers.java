package org.ternarykernels.example;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;

/**
 * What the library computes of a block's attention: the projections around it.
 *
 * @param projections Q, K and V, each behind the same norm; one layer where they can be stacked.
 *     With column alphas of their own they cannot: alpha is folded into X
 * @param norms of the heads of Q and K, or null for none
 * @param output what takes the heads back to the stream
 */
record AttentionLayers(List<RmsNormLinear> projections, @Nullable HeadNorms norms, Product output) {

  /** A layer whose X is no part of the residual stream. */
  interface Product {
    void apply(TernaryBuffer x, TernaryBuffer y, long m);
  }

  /** Adds {@code delta} to the residual stream, and makes Q, K and V of it. */
  void project(Rows rows) {
    rows.call(
        () -> {
          long width = projections.stream().mapToLong(RmsNormLinear::n).sum();
          long offset = 0;
          for (RmsNormLinear layer : projections) {
            boolean first = offset == 0;
            TernaryBuffer stream = first ? rows.residual : null;
            layer.apply(
                first ? rows.delta : rows.residual,
                layer.k(),
                null,
                stream,
                stream,
                layer.k(),
                rows.qkv.slice(offset, rows.batch() * width - offset),
                width,
                rows.count());
            offset += layer.n();
          }
          if (norms != null) {
            norms.apply(rows.qkv, width, rows.count());
          }
        });
  }

  /** Makes a new {@code delta} of what the heads gave. */
  void output(Rows rows) {
    rows.call(() -> output.apply(rows.heads, rows.delta, rows.count()));
  }
}
