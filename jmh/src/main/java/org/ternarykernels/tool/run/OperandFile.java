package org.ternarykernels.tool.run;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.Tensor;
import org.ternarykernels.io.TensorType;

/**
 * The operands of an operation in a safetensors file: what is missing, unknown or of the wrong type
 * is an error by name.
 */
final class OperandFile {
  /** Metadata that other writers put into every file, such as {@code format=pt}. */
  private static final Set<String> FOREIGN_METADATA = Set.of("format");

  private final SafetensorsFile file;

  OperandFile(SafetensorsFile file) {
    this.file = file;
  }

  /**
   * Refuses tensors and metadata that the operation does not know, and tensors that it needs and
   * are not there.
   */
  void check(String op, List<String> required, List<String> optional, List<String> metadata) {
    Set<String> unknown = new TreeSet<>(file.names());
    required.forEach(unknown::remove);
    optional.forEach(unknown::remove);
    refuse(
        unknown,
        op + " does not know the tensor ",
        "; it takes "
            + String.join(", ", required)
            + (optional.isEmpty() ? "" : " and optionally " + String.join(", ", optional)));
    Set<String> missing = new TreeSet<>(required);
    missing.removeAll(file.names());
    refuse(missing, op + " needs the tensor ", ", which the file does not have");
    Set<String> strange = new TreeSet<>(file.metadata().keySet());
    strange.removeAll(FOREIGN_METADATA);
    metadata.forEach(strange::remove);
    refuse(
        strange,
        op + " does not know the metadata ",
        metadata.isEmpty() ? "; it takes none" : "; it takes " + String.join(", ", metadata));
  }

  private static void refuse(Set<String> names, String before, String after) {
    if (!names.isEmpty()) {
      throw new IllegalArgumentException(
          names.stream()
              .map(name -> "\"" + name + "\"")
              .collect(Collectors.joining(", ", before, after)));
    }
  }

  /** A metadata's text, or a default. */
  String text(String name, String otherwise) {
    return file.metadata().getOrDefault(name, otherwise);
  }

  boolean has(String name) {
    return file.names().contains(name);
  }

  /** A tensor of so many dimensions, of one of the types. */
  Tensor tensor(String name, int dimensions, TensorType... types) {
    Tensor tensor = file.tensor(name);
    if (!Arrays.asList(types).contains(tensor.type())) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" is of type "
              + tensor.type()
              + ", must be "
              + Arrays.stream(types).map(Enum::name).collect(Collectors.joining(" or ")));
    }
    if (tensor.shape().length != dimensions || tensor.elements() == 0) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" has shape "
              + Arrays.toString(tensor.shape())
              + ", must have "
              + dimensions
              + " dimension"
              + (dimensions == 1 ? "" : "s")
              + " of at least 1");
    }
    return tensor;
  }

  /** A tensor of a known shape. */
  Tensor tensor(String name, long[] shape, TensorType... types) {
    Tensor tensor = tensor(name, shape.length, types);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" has shape "
              + Arrays.toString(tensor.shape())
              + ", must have "
              + Arrays.toString(shape));
    }
    return tensor;
  }

  /** The number of a tensor's elements. */
  long elements(String name) {
    return file.tensor(name).elements();
  }

  /** F32 values of a known number, in any shape. */
  float[] floats(String name, long count, String rule) {
    Tensor tensor = file.tensor(name);
    if (tensor.type() != TensorType.F32) {
      throw new IllegalArgumentException(
          "\"" + name + "\" is of type " + tensor.type() + ", must be F32");
    }
    if (tensor.elements() != count) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" has "
              + tensor.elements()
              + " values, must have "
              + count
              + " ("
              + rule
              + ")");
    }
    return tensor.toFloats();
  }
}
