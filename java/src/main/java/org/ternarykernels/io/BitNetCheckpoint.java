package org.ternarykernels.io;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Alpha;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.storage.Quoted;

/**
 * A checkpoint in the format of published BitNet models.
 *
 * <p>A ternary matrix {@code [N, K]} is {@code <name>.weight}, uint8 {@code [ceil(N/4), K]}, with
 * one {@code <name>.weight_scale}. There are two conventions, told apart by {@code
 * quantization_config.linear_class}: {@code autobitlinear} multiplies the product and the bias by
 * the scale, {@code bitlinear} divides the product by it and adds the bias as it is. The file does
 * not tell N where it is no multiple of 4, so the caller does.
 *
 * <p>Besides what every {@link Checkpoint} refuses, a tensor of a ternary layer that this class
 * does not know is refused by its name. Thread-safe.
 */
public final class BitNetCheckpoint extends Checkpoint {
  /** Tensors of a ternary layer. */
  private static final Set<String> PARTS = Set.of("weight", "weight_scale", "bias");

  private final boolean multiplies;

  BitNetCheckpoint(ModelTensors tensors, ModelConfig config) {
    super(tensors, config);
    this.multiplies = QuantizationConfig.of(config).multiplies();
  }

  /**
   * Opens a checkpoint as it is.
   *
   * @param folder that holds the files
   * @return the checkpoint
   * @throws UncheckedIOException if a file cannot be read
   * @throws IllegalArgumentException if a file breaks a rule of its format, a shard is missing, or
   *     {@code quantization_config} has what this class does not know
   */
  public static BitNetCheckpoint open(Path folder) {
    return builder(folder).build();
  }

  /**
   * Begins to open a checkpoint without parts of it.
   *
   * @param folder that holds the files
   * @return a builder
   * @since 0.2.0
   */
  public static Builder builder(Path folder) {
    return new Builder(folder);
  }

  /**
   * Opens a BitNet checkpoint as if parts of it were not there. Not thread-safe.
   *
   * @since 0.2.0
   */
  public static final class Builder extends Checkpoint.Builder {
    private Builder(Path folder) {
      super(folder);
    }

    @Override
    public Builder ignoreConfig(String... names) {
      super.ignoreConfig(names);
      return this;
    }

    @Override
    public Builder ignoreTensors(String... patterns) {
      super.ignoreTensors(patterns);
      return this;
    }

    @Override
    public BitNetCheckpoint build() {
      return build(BitNetCheckpoint::new);
    }
  }

  /**
   * A matrix of the checkpoint.
   *
   * @param name without {@code .weight}, for example {@code model.layers.0.self_attn.q_proj}
   * @param n its output features
   */
  public record Matrix(String name, long n) {}

  /**
   * One matrix as weights with an alpha per tensor. A layer with a {@link #bias} is not complete
   * without it.
   *
   * @param name without {@code .weight}
   * @param n output features
   * @return the weights; the caller closes them
   * @throws IllegalArgumentException if a tensor is missing, its type or shape is not that of the
   *     format, or the layer has a tensor that this class does not know
   */
  public TernaryWeights weights(String name, long n) {
    Packed packed = packed(new Matrix(name, n));
    return TernaryWeights.ofBitNet(
        new TernaryBuffer[] {packed.codes()},
        new long[] {n},
        packed.k(),
        Alpha.tensor(packed.alpha()),
        Layout.I2S_TILED);
  }

  /**
   * Several matrices of one K stacked along N, as Q, K and V or gate and up, with an alpha per row.
   *
   * @param matrices in the order of their rows, at least one
   * @return the weights; the caller closes them
   * @throws IllegalArgumentException as for {@link #weights(String, long)}, or if the matrices
   *     differ in K
   */
  public TernaryWeights stack(Matrix... matrices) {
    if (matrices == null || matrices.length == 0) {
      throw new IllegalArgumentException("there are no matrices to stack, must be at least 1");
    }
    TernaryBuffer[] codes = new TernaryBuffer[matrices.length];
    long[] n = new long[matrices.length];
    int[] sizes = new int[matrices.length];
    float[] alphas = new float[matrices.length];
    long k = 0;
    for (int i = 0; i < matrices.length; i++) {
      if (matrices[i] == null) {
        throw new IllegalArgumentException("matrix " + i + " is null, must be given");
      }
      Packed packed = packed(matrices[i]);
      if (i > 0 && packed.k() != k) {
        throw new IllegalArgumentException(
            "K of \""
                + matrices[i].name()
                + "\" is "
                + packed.k()
                + ", must be "
                + k
                + " as of \""
                + matrices[0].name()
                + "\"");
      }
      k = packed.k();
      codes[i] = packed.codes();
      n[i] = matrices[i].n();
      sizes[i] = Math.toIntExact(n[i]);
      alphas[i] = packed.alpha();
    }
    return TernaryWeights.ofBitNet(codes, n, k, Alpha.segments(sizes, alphas), Layout.I2S_TILED);
  }

  /** Checked tensors of one matrix. */
  private record Packed(TernaryBuffer codes, long k, float alpha) {}

  private Packed packed(Matrix matrix) {
    requireKnownParts(matrix.name());
    Tensor weight = tensors.tensor(matrix.name() + ".weight");
    long[] shape = weight.shape();
    long n = matrix.n();
    boolean sized = n >= 1 && n <= Integer.MAX_VALUE;
    if (!weight.dtype().equals(TensorType.U8.name())
        || !sized
        || shape.length != 2
        || shape[0] != (n + 3) / 4
        || shape[1] < 1) {
      throw new IllegalArgumentException(
          Quoted.of(weight.name())
              + " is "
              + weight.dtype()
              + " "
              + SafetensorsHeader.sizes(shape)
              + ", must be U8 [ceil(N / 4), K] for N "
              + n
              + " of 1 to 2^31 - 1");
    }
    float scale = scale(matrix.name());
    return new Packed(weight.toBuffer(), shape[1], multiplies ? scale : 1 / scale);
  }

  private void requireKnownParts(String name) {
    String prefix = name + ".";
    for (String tensor : tensors.startingWith(prefix)) {
      if (!PARTS.contains(tensor.substring(prefix.length()))) {
        throw new IllegalArgumentException(
            "the layer "
                + Quoted.of(name)
                + " has the tensor "
                + Quoted.of(tensor)
                + ", must have weight, weight_scale and bias only, or it must be ignored");
      }
    }
  }

  private float scale(String name) {
    Tensor tensor = tensors.tensor(name + ".weight_scale");
    float scale = tensor.elements() == 1 ? tensor.toFloats()[0] : Float.NaN;
    if (!Float.isFinite(scale) || !multiplies && scale == 0) {
      throw new IllegalArgumentException(
          Quoted.of(tensor.name())
              + " is "
              + (tensor.elements() == 1 ? scale : "of " + tensor.elements() + " values")
              + ", must be one finite value"
              + (multiplies ? "" : " other than 0"));
    }
    return scale;
  }

  /**
   * The bias of a matrix, as a product of {@link #weights(String, long)} adds it.
   *
   * @param name without {@code .bias}
   * @return N values (times the scale, where the convention is to multiply), or null if the matrix
   *     has no bias
   * @throws IllegalArgumentException if the name is null or the type not a float type
   */
  public float @Nullable [] bias(String name) {
    if (name == null) {
      throw new IllegalArgumentException("name is null, must be given");
    }
    if (!tensors.names().contains(name + ".bias")) {
      return null;
    }
    float[] bias = floats(name + ".bias");
    if (multiplies) {
      float scale = scale(name);
      for (int i = 0; i < bias.length; i++) {
        bias[i] *= scale;
      }
    }
    return bias;
  }
}
