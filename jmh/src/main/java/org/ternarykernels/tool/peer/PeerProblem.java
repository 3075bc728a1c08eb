package org.ternarykernels.tool.peer;

import org.ternarykernels.tool.problem.Shape;

/**
 * A product that a peer is to compute, of the same numbers as ours.
 *
 * @param weightSeed of W and its scale
 * @param m rows of X
 * @param rowSeed of X
 * @param weightBytes of all copies of the weights together; 0 for one copy
 */
public record PeerProblem(Shape shape, long weightSeed, int m, long rowSeed, long weightBytes) {}
