/**
 * {@code ternary verify}: dense products in fp32 and fp16, and how far a kernel may be from them.
 */
package org.ternarykernels.tool.verify;
