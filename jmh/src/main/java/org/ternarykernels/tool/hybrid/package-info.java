/** {@code ternary hybrid}: from how many rows a dense product is faster than a ternary one. */
package org.ternarykernels.tool.hybrid;
