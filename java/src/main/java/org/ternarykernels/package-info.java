/**
 * Matrix products with ternary weights (-1, 0, +1).
 *
 * <p>A {@link org.ternarykernels.TernaryRuntime} holds configuration, threads and counters; {@link
 * org.ternarykernels.TernaryWeights} a packed matrix; {@link org.ternarykernels.TernaryLinear} and
 * {@link org.ternarykernels.RmsNormLinear} multiply {@link org.ternarykernels.TernaryBuffer}s by
 * it.
 *
 * <p>Words: {@code Y[M, N] = X[M, K] * W[N, K]^T}: M rows of activations (tokens), N output
 * features, K input features. Sizes and strides count elements. An argument that breaks a rule,
 * null included, is an {@code IllegalArgumentException} that says the value and the rule in one
 * sentence; a closed handle is an {@code IllegalStateException}; what the library cannot do is a
 * {@link org.ternarykernels.TernaryException}.
 */
@NullMarked
package org.ternarykernels;

import org.jspecify.annotations.NullMarked;
