/**
 * Counters as Micrometer meters; needs the optional dependency {@code
 * io.micrometer:micrometer-core}.
 */
package org.ternarykernels.micrometer;
