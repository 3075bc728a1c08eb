package org.ternarykernels.example;

import org.ternarykernels.DataType;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;

/**
 * A feed-forward layer of experts: norm; the router's choice for each row; the experts chosen.
 * Router and experts take the same normalised rows, so the norm is a step of its own.
 */
record ExpertFeedForward(TernaryRuntime runtime, RmsNorm norm, Router router, MoeLayer experts)
    implements FeedForward {

  /** What lies between the steps. */
  static final class Scratch {
    final TernaryBuffer normed;
    final Routing routing;
    final float[] stream;
    final float[] added;

    Scratch(Rows rows, int hidden, int slots) {
      normed = rows.floats(hidden);
      routing = Routing.allocate(rows.batch(), slots, DataType.F32);
      stream = new float[hidden];
      added = new float[hidden];
    }
  }

  @Override
  public void apply(Rows rows) {
    Scratch scratch = scratch(rows);
    for (int m = 0; m < rows.count(); m++) {
      normalise(rows, (long) m * scratch.stream.length, scratch);
    }
    rows.call(
        () -> {
          runtime.experts().route(router, scratch.normed, scratch.routing, rows.count());
          experts.apply(scratch.normed, scratch.routing, rows.delta, rows.count());
        });
    int[] ids = new int[rows.count() * router.k()];
    scratch.routing.ids().getInts(0, ids);
    rows.countExperts(ids, router.experts());
  }

  /** The scratch of a session's rows; after a call it has what the router chose. */
  Scratch scratch(Rows rows) {
    return rows.scratch(Scratch.class, () -> new Scratch(rows, (int) experts.h(), router.k()));
  }

  private void normalise(Rows rows, long at, Scratch scratch) {
    float[] stream = scratch.stream;
    rows.residual.get(at, stream);
    rows.delta.get(at, scratch.added);
    for (int i = 0; i < stream.length; i++) {
      stream[i] += scratch.added[i];
    }
    rows.residual.put(at, stream);
    norm.apply(stream);
    scratch.normed.put(at, stream);
  }
}
