/** The command {@code sweep}: settings of the library as profiles, each in processes of its own. */
package org.ternarykernels.tool.sweep;
