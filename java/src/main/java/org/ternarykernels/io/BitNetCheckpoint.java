package org.ternarykernels.io;

import java.io.Closeable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Alpha;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.storage.Quoted;

/**
 * A checkpoint in the format of published BitNet models: in one folder {@code config.json} and
 * {@code model.safetensors}, or the shards that {@code model.safetensors.index.json} names.
 *
 * <p>A ternary matrix {@code [N, K]} is {@code <name>.weight}, uint8 {@code [ceil(N/4), K]}, with
 * one {@code <name>.weight_scale}. There are two conventions, told apart by {@code
 * quantization_config.linear_class}: {@code autobitlinear} multiplies the product and the bias by
 * the scale, {@code bitlinear} divides the product by it and adds the bias as it is. The file does
 * not tell N where it is no multiple of 4, so the caller does.
 *
 * <p>What this class does not know is refused by its name: a value of {@code quantization_config},
 * a tensor of a ternary layer. {@link Builder} leaves out what the caller chooses to do without.
 * What a model does with the rest is the caller's: it finds what it has not read by {@link
 * #unreadTensors} and {@link #configNames}. Thread-safe.
 */
public final class BitNetCheckpoint implements Closeable {
  /** Tensors of a ternary layer. */
  private static final Set<String> PARTS = Set.of("weight", "weight_scale", "bias");

  private final ModelTensors tensors;
  private final ModelConfig config;
  private final boolean multiplies;

  private BitNetCheckpoint(ModelTensors tensors, ModelConfig config) {
    this.tensors = tensors;
    this.config = config;
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
   * Opens a checkpoint as if parts of it were not there, for a caller that knows that they do not
   * matter, or wants to see what becomes without them. Not thread-safe.
   *
   * @since 0.2.0
   */
  public static final class Builder {
    private final Path folder;
    private final Set<String> config = new LinkedHashSet<>();
    private final List<Pattern> tensors = new ArrayList<>();

    private Builder(Path folder) {
      if (folder == null) {
        throw new IllegalArgumentException("folder is null, must be given");
      }
      this.folder = folder;
    }

    /**
     * Leaves out values of {@code config.json}.
     *
     * @param names of the values, of nested ones dotted; the name of an object stands for all in it
     * @return this
     * @throws IllegalArgumentException if a name is null
     */
    public Builder ignoreConfig(String... names) {
      for (String name : given(names)) {
        config.add(name);
      }
      return this;
    }

    /**
     * Leaves out tensors.
     *
     * @param patterns names of tensors; {@code *} stands for any characters
     * @return this
     * @throws IllegalArgumentException if a pattern is null
     */
    public Builder ignoreTensors(String... patterns) {
      for (String pattern : given(patterns)) {
        tensors.add(
            Pattern.compile(
                Arrays.stream(pattern.split("\\*", -1))
                    .map(Pattern::quote)
                    .collect(Collectors.joining(".*")),
                Pattern.DOTALL));
      }
      return this;
    }

    /**
     * Opens the checkpoint.
     *
     * @return the checkpoint
     * @throws UncheckedIOException as for {@link BitNetCheckpoint#open}
     * @throws IllegalArgumentException as for {@link BitNetCheckpoint#open}
     */
    public BitNetCheckpoint build() {
      Path json = folder.resolve("config.json");
      ModelConfig values = ModelConfig.read(json, config);
      ModelTensors files = ModelTensors.open(folder, this::isIgnored);
      try {
        return new BitNetCheckpoint(files, values);
      } catch (IllegalArgumentException e) {
        files.close();
        throw new IllegalArgumentException(json + ": " + e.getMessage(), e);
      }
    }

    private static String[] given(String[] names) {
      if (names == null || Arrays.asList(names).contains(null)) {
        throw new IllegalArgumentException("a name to ignore is null, must be given");
      }
      return names;
    }

    private boolean isIgnored(String tensor) {
      return tensors.stream().anyMatch(pattern -> pattern.matcher(tensor).matches());
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

  /**
   * A dense tensor: an embedding or the weight of a norm.
   *
   * @param name of the tensor, in full
   * @return its elements, row-major
   * @throws IllegalArgumentException if there is none of this name or its type is not a float type
   */
  public float[] floats(String name) {
    return tensor(name).toFloats();
  }

  /**
   * The names of the tensors of all shards, but those that are ignored.
   *
   * @return an unmodifiable set, ascending
   * @since 0.2.0
   */
  public Set<String> tensorNames() {
    return tensors.names();
  }

  /**
   * A tensor, in whatever shard it is.
   *
   * @param name of the tensor, in full
   * @return the tensor, usable until this checkpoint is closed
   * @throws IllegalArgumentException if there is none of this name
   * @since 0.2.0
   */
  public Tensor tensor(String name) {
    return tensors.tensor(name);
  }

  /**
   * The tensors that no method of this object was asked for so far. A model that has read all it
   * knows should find none: one is a part of the network that it leaves out.
   *
   * @return their names, ascending, without those that are ignored
   * @since 0.2.0
   */
  public List<String> unreadTensors() {
    return tensors.unread();
  }

  /**
   * The file, where there is one alone. What is read through it does not count as read for {@link
   * #unreadTensors}.
   *
   * @return the file, with all its tensors; it is closed with this checkpoint
   * @throws IllegalStateException if the model is in shards: {@link #tensor} serves both
   */
  public SafetensorsFile tensors() {
    SafetensorsFile file = tensors.single();
    if (file == null) {
      throw new IllegalStateException("the model is in shards, must be one file");
    }
    return file;
  }

  /**
   * The names of the values of {@code config.json}, of those in nested objects dotted. A null, an
   * empty list and an empty object are no value.
   *
   * @return an unmodifiable set, in the order of the file, without those that are ignored
   * @since 0.2.0
   */
  public Set<String> configNames() {
    return config.names();
  }

  /**
   * A whole number of {@code config.json}.
   *
   * @param name of the value; of a value in a nested object, dotted
   * @return the number
   * @throws IllegalArgumentException if there is none, or it is no whole number of 32 bits
   */
  public int configInt(String name) {
    return config.wholeNumber(name);
  }

  /**
   * A number of {@code config.json}.
   *
   * @param name of the value; of a value in a nested object, dotted
   * @return the number
   * @throws IllegalArgumentException if there is none, or it is not finite
   */
  public double configDouble(String name) {
    return config.number(name);
  }

  /**
   * A value of {@code config.json} as text.
   *
   * @param name of the value; of a value in a nested object, dotted
   * @return the text
   * @throws IllegalArgumentException if there is none, or it is a list
   */
  public String configText(String name) {
    return config.text(name);
  }

  /** Closes the files. Weights made of them stay. */
  @Override
  public void close() {
    tensors.close();
  }
}
