/**
 * Counters as Micrometer meters; needs the optional dependency {@code
 * io.micrometer:micrometer-core}.
 */
@NullMarked
package org.ternarykernels.micrometer;

import org.jspecify.annotations.NullMarked;
