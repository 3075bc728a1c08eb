package org.ternarykernels.io;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Alpha;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.storage.Quoted;

/**
 * A checkpoint in the format of ternary Qwen3-MoE models by Mangrove's rule: {@code quant_method}
 * mangrove, an alpha an input column.
 *
 * <p>A ternary matrix {@code [N, K]} is {@code <name>.codes}, uint8 {@code [N, ceil(K/4)]} in the
 * layout I2S, with {@code <name>.alpha} {@code [K]} of a float type. The matrices of E experts are
 * one tensor more of a dimension, {@code [E, N, ceil(K/4)]}, with alpha {@code [E, K]}.
 * Thread-safe.
 *
 * @since 0.2.0
 */
public final class MangroveCheckpoint extends Checkpoint {
  private static final String SECTION = "quantization_config.";

  /** How the model was trained, {@code threshold} and {@code activations}, is in its numbers. */
  private static final Set<String> KNOWN =
      Set.of("quant_method", "alpha", "threshold", "activations");

  MangroveCheckpoint(ModelTensors tensors, ModelConfig config) {
    super(tensors, config);
    config.requireKnown(SECTION, KNOWN);
    require(config, "quant_method", "mangrove");
    require(config, "alpha", "column");
  }

  private static void require(ModelConfig config, String name, String expected) {
    @Nullable String value = config.find(SECTION + name);
    if (!expected.equals(value)) {
      throw new IllegalArgumentException(
          SECTION
              + name
              + " is "
              + (value == null ? "missing" : Quoted.of(value))
              + ", must be "
              + expected);
    }
  }

  /**
   * Opens a checkpoint as it is.
   *
   * @param folder that holds the files
   * @return the checkpoint
   * @throws UncheckedIOException if a file cannot be read
   * @throws IllegalArgumentException as for {@link Checkpoint#open}, or if the model is of another
   *     kind
   */
  public static MangroveCheckpoint open(Path folder) {
    return builder(folder).build(MangroveCheckpoint::new);
  }

  /**
   * One matrix as weights with an alpha per column.
   *
   * @param name without {@code .codes}, for example {@code model.layers.0.self_attn.q_proj}
   * @param n output features
   * @param k input features
   * @return the weights; the caller closes them
   * @throws IllegalArgumentException if a tensor is missing, its type or shape is not that of the
   *     format, a code is 3, or an alpha is not finite
   */
  public TernaryWeights weights(String name, long n, long k) {
    Tensor codes = sized(name + ".codes", true, n, (k + 3) / 4);
    float[] alpha = sized(name + ".alpha", false, k).toFloats();
    return TernaryWeights.ofI2s(codes.toBuffer(), n, k, Alpha.column(alpha), Layout.I2S_TILED);
  }

  /**
   * The matrices of experts with an alpha per column. In one of gate and up the rows of gate come
   * first, and both share their alphas.
   *
   * @param name without {@code .codes}, for example {@code model.layers.0.mlp.gate_up}
   * @param experts E
   * @param n output features of each
   * @param k input features of each
   * @return the weights; the caller closes them
   * @throws IllegalArgumentException as for {@link #weights}
   */
  public ExpertWeights experts(String name, long experts, long n, long k) {
    Tensor codes = sized(name + ".codes", true, experts, n, (k + 3) / 4);
    float[] alpha = sized(name + ".alpha", false, experts, k).toFloats();
    return ExpertWeights.ofI2s(
        codes.toBuffer(), experts, n, k, ExpertAlpha.column(alpha), Layout.I2S_TILED);
  }

  /** A tensor of these sizes: of type U8, or of a float type. */
  private Tensor sized(String name, boolean codes, long... shape) {
    Tensor tensor = tensor(name);
    boolean typed = codes == tensor.dtype().equals(TensorType.U8.name());
    if (!typed || !Arrays.equals(tensor.shape(), shape)) {
      throw new IllegalArgumentException(
          Quoted.of(name)
              + " is "
              + tensor.dtype()
              + " "
              + SafetensorsHeader.sizes(tensor.shape())
              + ", must be "
              + (codes ? "U8 " : "of a float type and ")
              + SafetensorsHeader.sizes(shape));
    }
    return tensor;
  }
}
