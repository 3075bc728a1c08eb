package org.ternarykernels.tool.hybrid;

import org.ternarykernels.tool.problem.Shape;

/** Measures places, on a CPU or on a GPU. */
interface Trial extends AutoCloseable {
  /** Checks and times both sides, or the one that is forced. */
  Place measure(Shape shape, int m);

  @Override
  void close();
}
