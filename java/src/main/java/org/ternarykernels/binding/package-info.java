/** The generated binding, and how the native libraries are found and loaded. Not exported. */
@NullMarked
package org.ternarykernels.binding;

import org.jspecify.annotations.NullMarked;
