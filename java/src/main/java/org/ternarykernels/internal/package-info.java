/**
 * What the public types share and users do not see: rules for arguments, native memory, handles,
 * settings, CUDA. Of {@code org.ternarykernels} it uses enums, records and {@code TernaryException}
 * alone.
 */
@NullMarked
package org.ternarykernels.internal;

import org.jspecify.annotations.NullMarked;
