package org.ternarykernels.io;

import java.io.Closeable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.ternarykernels.storage.Quoted;

/**
 * A ternary model's folder: {@code config.json}, and {@code model.safetensors} or the shards that
 * {@code model.safetensors.index.json} names. {@code quantization_config.quant_method} tells how
 * its ternary matrices are kept, and so the class: {@link BitNetCheckpoint} or {@link
 * MangroveCheckpoint}.
 *
 * <p>Nothing is dropped in silence: a value of {@code quantization_config} that the class does not
 * know is refused by its name. {@link Builder} leaves out what the caller chooses to do without.
 * What a model does with the rest is the caller's: it finds what it has not read by {@link
 * #unreadTensors} and {@link #configNames}. Thread-safe.
 *
 * @since 0.2.0
 */
public abstract sealed class Checkpoint implements Closeable
    permits BitNetCheckpoint, MangroveCheckpoint {
  private static final String METHOD = "quantization_config.quant_method";

  final ModelTensors tensors;
  private final ModelConfig config;

  Checkpoint(ModelTensors tensors, ModelConfig config) {
    this.tensors = tensors;
    this.config = config;
  }

  /**
   * Opens a checkpoint as it is.
   *
   * @param folder that holds the files
   * @return the checkpoint
   * @throws UncheckedIOException if a file cannot be read
   * @throws IllegalArgumentException if a file breaks a rule of its format, a shard is missing, or
   *     {@code quantization_config} has what its class does not know
   */
  public static Checkpoint open(Path folder) {
    return builder(folder).build();
  }

  /**
   * Begins to open a checkpoint without parts of it.
   *
   * @param folder that holds the files
   * @return a builder
   */
  public static Builder builder(Path folder) {
    return new Builder(folder);
  }

  private static Checkpoint of(ModelTensors tensors, ModelConfig config) {
    String method = config.find(METHOD);
    if ("mangrove".equals(method)) {
      return new MangroveCheckpoint(tensors, config);
    }
    if ("bitnet".equals(method)) {
      return new BitNetCheckpoint(tensors, config);
    }
    throw new IllegalArgumentException(
        METHOD
            + " is "
            + (method == null ? "missing" : Quoted.of(method))
            + ", must be bitnet or mangrove");
  }

  /**
   * Opens a checkpoint as if parts of it were not there, for a caller that knows that they do not
   * matter, or wants to see what becomes without them. Not thread-safe.
   */
  public static sealed class Builder permits BitNetCheckpoint.Builder {
    private final Path folder;
    private final Set<String> config = new LinkedHashSet<>();
    private final List<Pattern> tensors = new ArrayList<>();

    Builder(Path folder) {
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
     * @throws UncheckedIOException as for {@link Checkpoint#open}
     * @throws IllegalArgumentException as for {@link Checkpoint#open}
     */
    public Checkpoint build() {
      return build(Checkpoint::of);
    }

    /** Opens the files and makes a checkpoint of them; they are closed if that fails. */
    final <C extends Checkpoint> C build(BiFunction<ModelTensors, ModelConfig, C> made) {
      Path json = folder.resolve("config.json");
      ModelConfig values = ModelConfig.read(json, config);
      ModelTensors files = ModelTensors.open(folder, this::isIgnored);
      try {
        return made.apply(files, values);
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
