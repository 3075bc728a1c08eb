package org.ternarykernels.io;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Alpha;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.storage.Json;

/**
 * A checkpoint in the format of published BitNet models: {@code config.json} and {@code
 * model.safetensors} in one folder.
 *
 * <p>A ternary matrix {@code [N, K]} is {@code <name>.weight}, uint8 {@code [ceil(N/4), K]}, with
 * one {@code <name>.weight_scale}. There are two conventions, told apart by {@code
 * quantization_config.linear_class}: {@code autobitlinear} multiplies the product and the bias by
 * the scale, {@code bitlinear} divides the product by it and adds the bias as it is. The file does
 * not tell N where it is no multiple of 4, so the caller does. Thread-safe.
 */
public final class BitNetCheckpoint implements Closeable {
  private final SafetensorsFile file;
  private final Map<String, String> config;
  private final boolean multiplies;

  private BitNetCheckpoint(SafetensorsFile file, Map<String, String> config) {
    this.file = file;
    this.config = config;
    String convention = config.get("quantization_config.linear_class");
    // Models older than the field are of the dividing kind.
    if (convention != null
        && !convention.equals("autobitlinear")
        && !convention.equals("bitlinear")) {
      throw new IllegalArgumentException(
          "quantization_config.linear_class is \""
              + convention
              + "\", must be autobitlinear or bitlinear");
    }
    String method = config.get("quantization_config.quant_method");
    if (!"bitnet".equals(method)) {
      throw new IllegalArgumentException(
          "quantization_config.quant_method is " + method + ", must be bitnet");
    }
    this.multiplies = "autobitlinear".equals(convention);
  }

  /**
   * Opens a checkpoint.
   *
   * @param folder that holds {@code config.json} and {@code model.safetensors}
   * @return the checkpoint
   * @throws UncheckedIOException if a file cannot be read
   * @throws IllegalArgumentException if a file breaks a rule of its format
   */
  public static BitNetCheckpoint open(Path folder) {
    if (folder == null) {
      throw new IllegalArgumentException("folder is null, must be given");
    }
    Map<String, String> config = readConfig(folder.resolve("config.json"));
    SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"));
    try {
      return new BitNetCheckpoint(file, config);
    } catch (IllegalArgumentException e) {
      file.close();
      throw new IllegalArgumentException(folder.resolve("config.json") + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, String> readConfig(Path path) {
    Map<String, String> values = new HashMap<>();
    try (JsonParser parser = Json.FACTORY.createParser(path.toFile())) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new IllegalArgumentException(path + " is no JSON object, must be one");
      }
      readObject(parser, "", values);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalArgumentException(path + " is no JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException(path + " cannot be read: " + e.getMessage(), e);
    }
    return values;
  }

  /** Scalars of nested objects by dotted names; arrays are left out. */
  private static void readObject(JsonParser parser, String prefix, Map<String, String> values)
      throws IOException {
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = prefix + parser.currentName();
      JsonToken token = parser.nextToken();
      if (token == JsonToken.START_OBJECT) {
        readObject(parser, name + ".", values);
      } else if (token.isScalarValue() && token != JsonToken.VALUE_NULL) {
        values.put(name, parser.getText());
      } else {
        parser.skipChildren();
      }
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
   * One matrix as weights with an alpha per tensor.
   *
   * @param name without {@code .weight}
   * @param n output features
   * @return the weights; the caller closes them
   * @throws IllegalArgumentException if a tensor is missing or its type or shape is not that of the
   *     format
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
    Tensor weight = file.tensor(matrix.name() + ".weight");
    long[] shape = weight.shape();
    long n = matrix.n();
    boolean sized = n >= 1 && n <= Integer.MAX_VALUE;
    if (weight.type() != TensorType.U8
        || !sized
        || shape.length != 2
        || shape[0] != (n + 3) / 4
        || shape[1] < 1) {
      throw new IllegalArgumentException(
          "\""
              + weight.name()
              + "\" is "
              + weight.type()
              + " "
              + Arrays.toString(shape)
              + ", must be U8 [ceil(N / 4), K] for N "
              + n
              + " of 1 to 2^31 - 1");
    }
    float scale = scale(matrix.name());
    return new Packed(weight.toBuffer(), shape[1], multiplies ? scale : 1 / scale);
  }

  private float scale(String name) {
    float[] values = floats(name + ".weight_scale");
    if (values.length != 1 || !Float.isFinite(values[0]) || !multiplies && values[0] == 0) {
      throw new IllegalArgumentException(
          "\""
              + name
              + ".weight_scale\" is "
              + Arrays.toString(values)
              + ", must be one finite"
              + " value"
              + (multiplies ? "" : " other than 0"));
    }
    return values[0];
  }

  /**
   * The bias of a matrix, as a product of {@link #weights(String, long)} adds it.
   *
   * @param name without {@code .bias}
   * @return N values (times the scale, where the convention is to multiply), or null if the matrix
   *     has no bias
   * @throws IllegalArgumentException if its type is not a float type
   */
  public float @Nullable [] bias(String name) {
    if (!file.names().contains(name + ".bias")) {
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
    return file.tensor(name).toFloats();
  }

  /**
   * The tensors.
   *
   * @return the file; it is closed with this checkpoint
   */
  public SafetensorsFile tensors() {
    return file;
  }

  /**
   * A whole number of {@code config.json}.
   *
   * @param name of the value; of a value in a nested object, dotted
   * @return the number
   * @throws IllegalArgumentException if there is none, or it is no whole number of 32 bits
   */
  public int configInt(String name) {
    try {
      return Integer.parseInt(configText(name));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          name + " of config.json is " + configText(name) + ", must be a whole number", e);
    }
  }

  /**
   * A number of {@code config.json}.
   *
   * @param name of the value; of a value in a nested object, dotted
   * @return the number
   * @throws IllegalArgumentException if there is none
   */
  public double configDouble(String name) {
    try {
      return Double.parseDouble(configText(name));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          name + " of config.json is " + configText(name) + ", must be a number", e);
    }
  }

  /**
   * A value of {@code config.json} as text.
   *
   * @param name of the value; of a value in a nested object, dotted
   * @return the text
   * @throws IllegalArgumentException if there is none
   */
  public String configText(String name) {
    String value = config.get(name);
    if (value == null) {
      throw new IllegalArgumentException("config.json has no value " + name + ", must have one");
    }
    return value;
  }

  /** Closes the files. Weights made of them stay. */
  @Override
  public void close() {
    file.close();
  }
}
