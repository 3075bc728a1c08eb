package org.ternarykernels.tool.stack;

/**
 * How the layers of a stack are called.
 *
 * @param onHost with rows in host memory, also where the runtime has a GPU: such calls return when
 *     they are done
 * @param watch sees the products, where rows are in host memory
 */
record StackCalls(boolean onHost, ProductWatch watch) {
  /** On a GPU with rows in its memory. */
  static final StackCalls USUAL = new StackCalls(false, ProductWatch.NONE);
}
