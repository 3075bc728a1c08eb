/** What commands show and leave behind: tables, progress, files, the folder of a run. */
package org.ternarykernels.tool.output;
