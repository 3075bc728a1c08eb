/**
 * What others' products have in common: a process of their own that takes turns with our kernels.
 */
package org.ternarykernels.tool.rival;
