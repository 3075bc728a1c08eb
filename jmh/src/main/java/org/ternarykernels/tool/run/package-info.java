/** {@code ternary run}: one call on tensors of a file. */
package org.ternarykernels.tool.run;
