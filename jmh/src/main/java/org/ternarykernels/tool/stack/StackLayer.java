package org.ternarykernels.tool.stack;

/** One layer of a stack with its operands: the call of a step. */
interface StackLayer {
  /** Computes so many rows. */
  void run(int rows);
}
