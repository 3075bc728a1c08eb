/** How files are read and written, for all that the library does with files. Not exported. */
@NullMarked
package org.ternarykernels.storage;

import org.jspecify.annotations.NullMarked;
