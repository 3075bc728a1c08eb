package org.ternarykernels.tool.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.RmsNormLinear;
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

  /** Name and shape of each result. */
  Map<String, Object> shapes() {
    return shapes;
  }

  void linear() {
    in.check(
        "linear",
        List.of("x", "w", "alpha"),
        List.of("x_scale", "bias"),
        List.of("k", "alpha", "segments", "y_dtype", "activation"));
    Tensor x = in.tensor("x", 2, ACTIVATIONS);
    long m = x.shape()[0];
    try (TernaryWeights weights = weights(x.shape()[1])) {
      TernaryBuffer y = TernaryBuffer.allocate(outputType(), m * weights.n());
      try (TernaryLinear layer =
          TernaryLinear.builder(runtime, weights)
              .bias(bias(weights))
              .activation(activation())
              .expectedRows(expected(m))
              .build()) {
        layer.apply(x.toBuffer(), weights.k(), scale(m), y, weights.n(), m);
      }
      put("y", y, m, weights.n());
    }
  }

  void rmsNormLinear() {
    in.check(
        "rmsnorm_linear",
        List.of("x", "w", "alpha", "norm_weight"),
        List.of("x_scale", "bias", "residual"),
        List.of("k", "alpha", "segments", "eps", "y_dtype", "activation"));
    Tensor x =
        in.tensor("x", 2, TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.F8_E4M3);
    long m = x.shape()[0];
    try (TernaryWeights weights = weights(x.shape()[1])) {
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
              .expectedRows(expected(m))
              .build()) {
        layer.apply(x.toBuffer(), k, scale(m), residual, residualOut, k, y, weights.n(), m);
      }
      put("y", y, m, weights.n());
      if (residualOut != null) {
        put("residual_out", residualOut, m, k);
      }
    }
  }

  void quantise() {
    in.check("quantise", List.of("x"), List.of("x_scale", "alpha"), List.of("alpha"));
    Tensor x =
        in.tensor("x", 2, TensorType.F32, TensorType.F16, TensorType.BF16, TensorType.F8_E4M3);
    long m = x.shape()[0];
    long k = x.shape()[1];
    if (in.has("alpha") && !in.text("alpha", "column").equals("column")) {
      throw new IllegalArgumentException(
          "metadata alpha is \"" + in.text("alpha", "") + "\", must be column for quantise");
    }
    TernaryBuffer alpha =
        in.has("alpha")
            ? TernaryBuffer.copyOf(DataType.F32, in.floats("alpha", k, "K, one a column"))
            : null;
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, m * k);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, m);
    runtime.quantise(x.toBuffer(), scale(m), alpha, q, s, m, k);
    put("q", q, m, k);
    put("s", s, m);
  }

  void ternarise() {
    in.check("ternarise", List.of("w"), List.of(), List.of("alpha", "method"));
    Tensor w = in.tensor("w", 2, FLOATS);
    long n = w.shape()[0];
    long k = w.shape()[1];
    AlphaKind kind = alphaKind();
    TernariseMethod method = choice("method", "absmean", TernariseMethod.class);
    try (TernaryWeights weights =
        TernaryWeights.ternarise(w.toBuffer(), n, k, method, kind, group(kind))) {
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

  /** The weights w with their scale, in the layout asked for. */
  private TernaryWeights weights(long columnsOfX) {
    Tensor w = in.tensor("w", 2, TensorType.I8, TensorType.U8);
    boolean packed = w.type() == TensorType.U8;
    long n = w.shape()[0];
    long k = packed ? whole("k", in.text("k", Long.toString(4 * w.shape()[1]))) : w.shape()[1];
    if (packed ? (k + 3) / 4 != w.shape()[1] : whole("k", in.text("k", Long.toString(k))) != k) {
      throw new IllegalArgumentException(
          "k is "
              + k
              + " and \"w\" has shape "
              + Arrays.toString(w.shape())
              + ", must be "
              + (packed ? "[N, ceil(k/4)]" : "[N, k]"));
    }
    if (k != columnsOfX) {
      throw new IllegalArgumentException(
          "\"x\" has " + columnsOfX + " columns and \"w\" has K " + k + ", must be equal");
    }
    Alpha alpha = alpha(n, k);
    if (packed) {
      return TernaryWeights.ofI2s(w.toBuffer(), n, k, alpha, layout);
    }
    TernaryWeights tiled = TernaryWeights.pack(w.toBytes(), n, k, alpha);
    if (layout == tiled.layout()) {
      return tiled;
    }
    try (tiled) {
      return tiled.repack(layout);
    }
  }

  private Alpha alpha(long n, long k) {
    AlphaKind kind = alphaKind();
    String segments = in.text("segments", null);
    if (segments != null) {
      int[] sizes =
          Arrays.stream(segments.split(","))
              .mapToInt(size -> (int) whole("segments", size))
              .toArray();
      long sum = Arrays.stream(sizes).asLongStream().sum();
      if (sum != n) {
        throw new IllegalArgumentException(
            "the segments "
                + segments
                + " have "
                + sum
                + " rows, must have the "
                + n
                + " of \"w\"");
      }
      return Alpha.segments(sizes, in.floats("alpha", sizes.length, "one a segment"));
    }
    return switch (kind) {
      case TENSOR -> Alpha.tensor(in.floats("alpha", 1, "alpha = tensor")[0]);
      case ROW -> Alpha.row(in.floats("alpha", n, "N, alpha = row"));
      case COLUMN -> Alpha.column(in.floats("alpha", k, "K, alpha = column"));
      case GROUP -> {
        long group = group(kind);
        yield Alpha.group(
            group,
            in.floats("alpha", n * ((k + group - 1) / group), "N * ceil(K / " + group + ")"));
      }
    };
  }

  private AlphaKind alphaKind() {
    String text = in.text("alpha", "tensor");
    return switch (text.replaceFirst(":.*", "")) {
      case "tensor" -> AlphaKind.TENSOR;
      case "row" -> AlphaKind.ROW;
      case "column" -> AlphaKind.COLUMN;
      case "group" -> AlphaKind.GROUP;
      default ->
          throw new IllegalArgumentException(
              "metadata alpha is \"" + text + "\", must be tensor, row, column or group:G");
    };
  }

  private long group(AlphaKind kind) {
    if (kind != AlphaKind.GROUP) {
      return 0;
    }
    String text = in.text("alpha", "");
    long group = whole("alpha's group", text.substring(text.indexOf(':') + 1));
    if (group < 32 || group % 32 != 0) {
      throw new IllegalArgumentException(
          "metadata alpha is \"" + text + "\", its group must be a multiple of 32");
    }
    return group;
  }

  private long expected(long m) {
    return expectedRows == null ? m : expectedRows;
  }

  private float[] bias(TernaryWeights weights) {
    return in.has("bias") ? in.floats("bias", weights.n(), "N") : null;
  }

  private TernaryBuffer scale(long m) {
    return in.has("x_scale")
        ? TernaryBuffer.copyOf(DataType.F32, in.floats("x_scale", m, "M"))
        : null;
  }

  DataType outputType() {
    return choice("y_dtype", "F32", DataType.class);
  }

  private Activation activation() {
    return choice("activation", "A8", Activation.class);
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

  private static long whole(String name, String text) {
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "metadata " + name + " is \"" + text + "\", must be a whole number", e);
    }
  }

  private float number(String name, String otherwise) {
    String text = in.text(name, otherwise);
    try {
      return Float.parseFloat(text.strip());
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "metadata " + name + " is \"" + text + "\", must be a number", e);
    }
  }
}
