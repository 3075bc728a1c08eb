/** {@code ternary capacity}: how many users a stack of layers carries. */
package org.ternarykernels.tool.capacity;
