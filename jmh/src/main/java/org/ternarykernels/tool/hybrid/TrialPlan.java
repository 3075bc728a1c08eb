package org.ternarykernels.tool.hybrid;

import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * How places are measured.
 *
 * @param layout of the weights; null for the library's choice
 * @param state where weights are when a call begins
 * @param blocks of the stack, for that choice
 * @param force the only side that is measured; null for both
 * @param nanos for the timing of a place
 */
record TrialPlan(
    Layout layout, Activation activation, State state, int blocks, Side force, long nanos) {
  boolean measures(Side side) {
    return force == null || force == side;
  }

  Layout layout(TernaryRuntime runtime, Shape shape) {
    if (layout != null) {
      return layout;
    }
    long weights = (long) shape.n() * shape.k() * (state == State.RESIDENT ? 1 : blocks);
    return runtime.chooseLayout(activation, shape.n(), shape.k(), weights);
  }
}
