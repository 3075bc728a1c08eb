package org.ternarykernels.example;

import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;

/**
 * A feed-forward layer of BitNet: norm, gate and up; the gated squared ReLU; sub-norm and down.
 *
 * @param gateUp both stacked, {@code [2 * width, hidden]}
 * @param down {@code [hidden, width]}
 */
record DenseFeedForward(RmsNormLinear gateUp, RmsNormLinear down) implements FeedForward {
  /** What lies between the products. */
  private static final class Scratch {
    final TernaryBuffer gateUp;
    final TernaryBuffer gated;
    final float[] gateUpRow;
    final float[] gatedRow;

    Scratch(Rows rows, int width) {
      gateUp = rows.floats(2 * width);
      gated = rows.floats(width);
      gateUpRow = new float[2 * width];
      gatedRow = new float[width];
    }
  }

  @Override
  public void apply(Rows rows) {
    Scratch scratch = rows.scratch(Scratch.class, () -> new Scratch(rows, (int) down.k()));
    int count = rows.count();
    rows.call(() -> gateUp.apply(rows.delta, rows.residual, rows.residual, scratch.gateUp, count));
    for (int m = 0; m < count; m++) {
      scratch.gateUp.get((long) m * scratch.gateUpRow.length, scratch.gateUpRow);
      gate(scratch.gateUpRow, scratch.gatedRow);
      scratch.gated.put((long) m * scratch.gatedRow.length, scratch.gatedRow);
    }
    rows.call(() -> down.apply(scratch.gated, null, null, rows.delta, count));
  }

  /** The squared ReLU of the first half times the second. */
  static void gate(float[] gateUp, float[] gated) {
    for (int i = 0; i < gated.length; i++) {
      float positive = Math.max(gateUp[i], 0);
      gated[i] = positive * positive * gateUp[gated.length + i];
    }
  }
}
