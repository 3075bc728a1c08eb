/** How jars with further native libraries of this project offer them; of no use to others. */
package org.ternarykernels.natives;
