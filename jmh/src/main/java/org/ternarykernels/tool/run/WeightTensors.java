package org.ternarykernels.tool.run;

import java.util.Arrays;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.Tensor;
import org.ternarykernels.io.TensorType;

/** The weights of {@code ternary run}, and the kind of their scale. */
final class WeightTensors {
  private WeightTensors() {}

  /** The weights w with their scale, in the layout asked for. */
  static TernaryWeights of(OperandFile in, long columnsOfX, Layout layout) {
    Tensor w = in.tensor("w", 2, TensorType.I8, TensorType.U8);
    boolean packed = w.type() == TensorType.U8;
    long n = w.shape()[0];
    long k =
        packed
            ? TensorOperation.whole("k", in.text("k", Long.toString(4 * w.shape()[1])))
            : w.shape()[1];
    if (packed
        ? (k + 3) / 4 != w.shape()[1]
        : TensorOperation.whole("k", in.text("k", Long.toString(k))) != k) {
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
    Alpha alpha = alpha(in, n, k);
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

  private static Alpha alpha(OperandFile in, long n, long k) {
    AlphaKind kind = alphaKind(in);
    String segments = in.text("segments", null);
    if (segments != null) {
      int[] sizes =
          Arrays.stream(segments.split(","))
              .mapToInt(size -> (int) TensorOperation.whole("segments", size))
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
        long group = group(in, kind);
        yield Alpha.group(
            group,
            in.floats("alpha", n * ((k + group - 1) / group), "N * ceil(K / " + group + ")"));
      }
    };
  }

  static AlphaKind alphaKind(OperandFile in) {
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

  static long group(OperandFile in, AlphaKind kind) {
    return kind == AlphaKind.GROUP ? group(in, "alpha") : 0;
  }

  /** The group in a metadata value group:G. */
  static long group(OperandFile in, String name) {
    String text = in.text(name, "");
    long group = TensorOperation.whole(name + "'s group", text.substring(text.indexOf(':') + 1));
    if (group < 32 || group % 32 != 0) {
      throw new IllegalArgumentException(
          "metadata " + name + " is \"" + text + "\", its group must be a multiple of 32");
    }
    return group;
  }
}
