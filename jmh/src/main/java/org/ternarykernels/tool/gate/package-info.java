/** Rules that rows of results must meet, and the change of each row since a stored run. */
package org.ternarykernels.tool.gate;
