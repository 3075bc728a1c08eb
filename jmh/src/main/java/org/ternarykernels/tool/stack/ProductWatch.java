package org.ternarykernels.tool.stack;

/** Sees the products of a stack of shapes while they are made. Calls of experts pass it by. */
public interface ProductWatch {
  /** Makes the calls and looks at nothing. */
  ProductWatch NONE = (product, rows, call) -> call.run();

  /**
   * A call that is due.
   *
   * @param product what is computed; equal for the layers of one shape
   * @param rows of the step
   * @param call must be run once
   */
  void call(StackProduct product, int rows, Runnable call);
}
