/** {@code ternary shadow}: calls that are computed again, and what differed. */
package org.ternarykernels.tool.shadow;
