/** Files of weights: safetensors, and the checkpoints of published BitNet models. */
@NullMarked
package org.ternarykernels.io;

import org.jspecify.annotations.NullMarked;
