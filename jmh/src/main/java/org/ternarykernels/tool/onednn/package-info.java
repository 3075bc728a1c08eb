/** The baseline: oneDNN, in processes of its own. */
package org.ternarykernels.tool.onednn;
