/** Files of weights: safetensors, and the checkpoints of published BitNet models. */
package org.ternarykernels.io;
