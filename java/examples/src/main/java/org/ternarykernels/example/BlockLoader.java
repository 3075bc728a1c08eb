package org.ternarykernels.example;

import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.BitNetCheckpoint;
import org.ternarykernels.io.Checkpoint;
import org.ternarykernels.io.MangroveCheckpoint;
import org.ternarykernels.io.Tensor;

/** Makes the blocks of a checkpoint: one class for each architecture. */
abstract class BlockLoader {
  final TernaryRuntime runtime;
  final ModelConfig config;
  final Activation activation;
  private final Checkpoint checkpoint;
  private final List<AutoCloseable> made = new ArrayList<>();

  BlockLoader(
      TernaryRuntime runtime, Checkpoint checkpoint, ModelConfig config, Activation activation) {
    this.runtime = runtime;
    this.checkpoint = checkpoint;
    this.config = config;
    this.activation = activation;
  }

  /** The loader for a checkpoint; it has read {@code config.json}. */
  static BlockLoader of(TernaryRuntime runtime, Checkpoint checkpoint, Activation activation) {
    return checkpoint instanceof BitNetCheckpoint bitNet
        ? new BitNetLoader(runtime, bitNet, activation)
        : new Qwen3MoeLoader(runtime, (MangroveCheckpoint) checkpoint, activation);
  }

  /** The block whose tensors begin so. */
  abstract Model.Block block(String prefix);

  /** A dense tensor of a known size. */
  final float[] floats(String name, long expected) {
    return sized(name, expected).toFloats();
  }

  /** The same in native memory, in the type that it has. */
  final TernaryBuffer buffer(String name, long expected) {
    return sized(name, expected).toBuffer();
  }

  private Tensor sized(String name, long expected) {
    Tensor tensor = checkpoint.tensor(name);
    if (tensor.elements() != expected) {
      throw new IllegalArgumentException(
          name + " has " + tensor.elements() + " values, config.json says " + expected);
    }
    return tensor;
  }

  /** Remembers a layer, to be closed with the model. */
  final <L extends AutoCloseable> L made(L layer) {
    made.add(layer);
    return layer;
  }

  /** All layers so far. */
  final List<AutoCloseable> made() {
    return made;
  }

  /** Closes layers. */
  static void close(List<AutoCloseable> layers) {
    for (AutoCloseable layer : layers) {
      try {
        layer.close();
      } catch (Exception e) { // no layer's close() throws one
        throw new IllegalStateException(e);
      }
    }
  }
}
