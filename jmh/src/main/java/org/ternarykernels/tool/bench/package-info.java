/** {@code ternary bench}: what is timed, on the CPU and on GPUs, and the table of the results. */
package org.ternarykernels.tool.bench;
