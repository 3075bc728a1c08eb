/** How time is taken, and what of the machine limits it. */
package org.ternarykernels.tool.measure;
