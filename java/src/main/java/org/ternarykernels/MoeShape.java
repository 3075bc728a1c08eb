package org.ternarykernels;

/**
 * What the operands of a layer of experts must fit.
 *
 * @param experts E
 * @param h columns of X and Y
 * @param i columns between the two products
 * @param combines whether experts' outputs are added up
 * @param readsWeights whether weights of slots are read
 */
record MoeShape(long experts, long h, long i, boolean combines, boolean readsWeights) {}
