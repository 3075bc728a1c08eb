package org.ternarykernels.tool.run;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Rotation;
import org.ternarykernels.TernariseMethod;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.Tensor;
import org.ternarykernels.io.TensorType;

/**
 * One operation from a file of operands to a file of results; {@code ternary run --help} describes
 * both.
 */
final class TensorOperation {
  static final TensorType[] FLOATS = {TensorType.F32, TensorType.F16, TensorType.BF16};
  static final TensorType[] FLOATS_AND_F8 = {
    TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.F8_E4M3
  };
  private static final TensorType[] ACTIVATIONS = {
    TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.F8_E4M3, TensorType.I8
  };

  private final RunCommand.Op op;
  private final OperandFile in;
  private final Layout layout;
  private final Long expectedRows;
  private final TernaryRuntime runtime;
  private final SafetensorsWriter out = new SafetensorsWriter();
  private final Map<String, Object> shapes = new LinkedHashMap<>();

  /**
   * @param expectedRows that a layer is built for; null: those of x
   */
  TensorOperation(
      RunCommand.Op op, OperandFile in, Layout layout, Long expectedRows, TernaryRuntime runtime) {
    this.op = op;
    this.in = in;
    this.layout = layout;
    this.expectedRows = expectedRows;
    this.runtime = runtime;
  }

  /** Runs it; the results are not written yet. */
  SafetensorsWriter run() {
    op.compute.accept(this);
    return out.metadata("path", path());
  }

  /** The kernel that served; ternarise has no kernels. */
  String path() {
    return op == RunCommand.Op.TERNARISE
        ? "ternarise.core"
        : String.join("+", runtime.pathCounts().keySet());
  }

  /** The operands. */
  OperandFile in() {
    return in;
  }

  TernaryRuntime runtime() {
    return runtime;
  }

  Layout layout() {
    return layout;
  }

  /** Name and shape of each result. */
  Map<String, Object> shapes() {
    return shapes;
  }

  void linear() {
    in.check(
        "linear",
        List.of("x", "w", "alpha"),
        List.of("x_scale", "bias", "signs"),
        List.of("k", "alpha", "segments", "y_dtype", "activation", "rotation"));
    Tensor x = in.tensor("x", 2, ACTIVATIONS);
    long m = x.shape()[0];
    Activation activation = activation();
    boolean int8 = x.type() == TensorType.I8;
    try (TernaryWeights weights = WeightTensors.of(in, x.shape()[1], layout)) {
      TernaryBuffer y = TernaryBuffer.allocate(outputType(), m * weights.n());
      try (TernaryLinear layer =
          TernaryLinear.builder(runtime, weights)
              .bias(bias(weights))
              .activation(activation)
              .rotation(rotation("rotation", "signs", weights.k()))
              .expectedRows(expected(m))
              .build()) {
        TernaryBuffer scale = scale(m, int8 ? activation.scales(weights.k()) : 1);
        layer.apply(x.toBuffer(), weights.k(), scale, y, weights.n(), m);
      }
      put("y", y, m, weights.n());
    }
  }

  void rmsNormLinear() {
    in.check(
        "rmsnorm_linear",
        List.of("x", "w", "alpha", "norm_weight"),
        List.of("x_scale", "bias", "residual", "signs"),
        List.of("k", "alpha", "segments", "eps", "y_dtype", "activation", "rotation"));
    Tensor x = in.tensor("x", 2, FLOATS_AND_F8);
    long m = x.shape()[0];
    try (TernaryWeights weights = WeightTensors.of(in, x.shape()[1], layout)) {
      long k = weights.k();
      TernaryBuffer y = TernaryBuffer.allocate(outputType(), m * weights.n());
      TernaryBuffer residual =
          in.has("residual") ? in.tensor("residual", x.shape(), FLOATS).toBuffer() : null;
      TernaryBuffer residualOut =
          residual == null ? null : TernaryBuffer.allocate(residual.dataType(), m * k);
      try (RmsNormLinear layer =
          RmsNormLinear.builder(runtime, weights)
              .norm(in.floats("norm_weight", k, "K"), number("eps", "1e-5"))
              .bias(bias(weights))
              .activation(activation())
              .rotation(rotation("rotation", "signs", k))
              .expectedRows(expected(m))
              .build()) {
        layer.apply(x.toBuffer(), k, scale(m, 1), residual, residualOut, k, y, weights.n(), m);
      }
      put("y", y, m, weights.n());
      if (residualOut != null) {
        put("residual_out", residualOut, m, k);
      }
    }
  }

  void ternarise() {
    in.check("ternarise", List.of("w"), List.of(), List.of("alpha", "method"));
    Tensor w = in.tensor("w", 2, FLOATS);
    long n = w.shape()[0];
    long k = w.shape()[1];
    AlphaKind kind = WeightTensors.alphaKind(in);
    TernariseMethod method = choice("method", "absmean", TernariseMethod.class);
    try (TernaryWeights weights =
        TernaryWeights.ternarise(w.toBuffer(), n, k, method, kind, WeightTensors.group(in, kind))) {
      out.put("w", TensorType.I8, weights.unpack(), n, k);
      shapes.put("w", new long[] {n, k});
      float[] alpha = weights.alpha().values();
      long[] shape =
          kind == AlphaKind.GROUP ? new long[] {n, alpha.length / n} : new long[] {alpha.length};
      out.put("alpha", alpha, shape);
      shapes.put("alpha", shape);
    }
  }

  /** A result. */
  void put(String name, TernaryBuffer data, long... shape) {
    out.put(name, data, shape);
    shapes.put(name, shape);
  }

  private long expected(long m) {
    return expectedRows == null ? m : expectedRows;
  }

  private float[] bias(TernaryWeights weights) {
    return in.has("bias") ? in.floats("bias", weights.n(), "N") : null;
  }

  /** The scales of X, of which a row has so many. */
  TernaryBuffer scale(long m, long ofRow) {
    return in.has("x_scale")
        ? TernaryBuffer.copyOf(
            DataType.F32, in.floats("x_scale", m * ofRow, ofRow == 1 ? "M" : "M * ceil(K / block)"))
        : null;
  }

  DataType outputType() {
    return choice("y_dtype", "F32", DataType.class);
  }

  Activation activation() {
    try {
      return Activation.parse(in.text("activation", "a8"));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("metadata " + e.getMessage(), e);
    }
  }

  /** The rotation that a metadata value and a tensor say; null without one. */
  Rotation rotation(String name, String signsName, long k) {
    float[] signs = signs(signsName, k);
    int block = (int) whole(name, in.text(name, "0"));
    if (block == 0) {
      refuseSigns(name, signsName, signs);
      return null;
    }
    return signs == null ? Rotation.of(block) : Rotation.of(block, signs);
  }

  /** The rotation of rows, as a number; 0 without one. */
  int rotation(float[] signs) {
    int block = (int) whole("rotation", in.text("rotation", "0"));
    if (block == 0) {
      refuseSigns("rotation", "signs", signs);
    }
    return block;
  }

  private static void refuseSigns(String name, String signsName, float[] signs) {
    if (signs != null) {
      throw new IllegalArgumentException(
          "\""
              + signsName
              + "\" is given without a rotation, must be without it, or with metadata "
              + name);
    }
  }

  /** The signs of a rotation; null without them. Others than +1 and -1 the library refuses. */
  float[] signs(String name, long k) {
    if (!in.has(name)) {
      return null;
    }
    byte[] bytes = in.tensor(name, new long[] {k}, TensorType.I8).toBytes();
    float[] signs = new float[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      signs[i] = bytes[i];
    }
    return signs;
  }

  /** A metadata value that names a constant. */
  <E extends Enum<E>> E choice(String name, String otherwise, Class<E> type) {
    String text = in.text(name, otherwise);
    for (E value : type.getEnumConstants()) {
      if (value.name().equalsIgnoreCase(text)) {
        return value;
      }
    }
    throw new IllegalArgumentException(
        "metadata "
            + name
            + " is \""
            + text
            + "\", must be one of "
            + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT));
  }

  static long whole(String name, String text) {
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "metadata " + name + " is \"" + text + "\", must be a whole number", e);
    }
  }

  /** A metadata value that is true or false. */
  boolean flag(String name, boolean otherwise) {
    String text = in.text(name, Boolean.toString(otherwise));
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "1" -> true;
      case "false", "0" -> false;
      default ->
          throw new IllegalArgumentException(
              "metadata " + name + " is \"" + text + "\", must be true or false");
    };
  }

  float number(String name, String otherwise) {
    return parse(name, in.text(name, otherwise));
  }

  /** A number in the text of a metadata value. */
  static float parse(String name, String text) {
    try {
      return Float.parseFloat(text.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "metadata " + name + " is \"" + text + "\", must be a number", e);
    }
  }
}
