/** Options that several commands have. */
package org.ternarykernels.tool.options;
