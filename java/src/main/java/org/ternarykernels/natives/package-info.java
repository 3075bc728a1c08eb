/** How jars with further native libraries of this project offer them; of no use to others. */
@NullMarked
package org.ternarykernels.natives;

import org.jspecify.annotations.NullMarked;
