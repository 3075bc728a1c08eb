/**
 * {@code ternary load}: users whose texts go through a stack together, as a server batches them.
 */
package org.ternarykernels.tool.load;
