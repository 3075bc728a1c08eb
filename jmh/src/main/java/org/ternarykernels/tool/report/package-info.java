/** {@code ternary report}: one page of the results in several folders. */
package org.ternarykernels.tool.report;
