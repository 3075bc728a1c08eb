package org.ternarykernels.tool.run;

import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.Heads;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.io.Tensor;

/** The operations of {@code ternary run} on rows, without weights. */
final class RowTensors {
  private RowTensors() {}

  static void quantise(TensorOperation of) {
    OperandFile in = of.in();
    in.check(
        "quantise",
        List.of("x"),
        List.of("x_scale", "alpha", "signs"),
        List.of("alpha", "activation", "rotation"));
    Tensor x = in.tensor("x", 2, TensorOperation.FLOATS_AND_F8);
    long m = x.shape()[0];
    long k = x.shape()[1];
    if (in.has("alpha") && !in.text("alpha", "column").equals("column")) {
      throw new IllegalArgumentException(
          "metadata alpha is \"" + in.text("alpha", "") + "\", must be column for quantise");
    }
    float[] alpha = in.has("alpha") ? in.floats("alpha", k, "K, one a column") : null;
    Activation activation = of.activation();
    float[] signs = of.signs("signs", k);
    TernaryBuffer q = TernaryBuffer.allocate(DataType.I8, m * k);
    TernaryBuffer s = TernaryBuffer.allocate(DataType.F32, m * activation.scales(k));
    of.runtime()
        .quantise(
            x.toBuffer(),
            of.scale(m, 1),
            of.rotation(signs),
            buffer(signs),
            buffer(alpha),
            activation,
            q,
            s,
            m,
            k);
    of.put("q", q, m, k);
    if (activation.block() == 0) {
      of.put("s", s, m);
    } else {
      of.put("s", s, m, activation.scales(k));
    }
  }

  static void rotate(TensorOperation of) {
    OperandFile in = of.in();
    in.check(
        "rotate",
        List.of("x"),
        List.of("x_scale", "signs"),
        List.of("block", "inverse", "y_dtype"));
    Tensor x = in.tensor("x", 2, TensorOperation.FLOATS_AND_F8);
    long m = x.shape()[0];
    long k = x.shape()[1];
    int block = (int) TensorOperation.whole("block", required(in, "rotate", "block"));
    TernaryBuffer y = TernaryBuffer.allocate(of.outputType(), m * k);
    of.runtime()
        .rotate(
            x.toBuffer(),
            of.scale(m, 1),
            block,
            buffer(of.signs("signs", k)),
            of.flag("inverse", false),
            y,
            m,
            k);
    of.put("y", y, m, k);
  }

  static void qkNorm(TensorOperation of) {
    OperandFile in = of.in();
    in.check(
        "qk_norm",
        List.of(),
        List.of("q", "k", "q_weight", "k_weight"),
        List.of("head_dim", "q_eps", "k_eps"));
    long headDim = TensorOperation.whole("head_dim", required(in, "qk_norm", "head_dim"));
    Side q = Side.of(of, "q", headDim);
    Side k = Side.of(of, "k", headDim);
    if (q.data != null && k.data != null && q.rows != k.rows) {
      throw new IllegalArgumentException(
          "\"q\" has " + q.rows + " rows and \"k\" has " + k.rows + ", must be equal");
    }
    of.runtime().qkNorm(q.heads(), k.heads(), headDim, Math.max(q.rows, k.rows));
    q.put(of, "q");
    k.put(of, "k");
  }

  /** One side of {@code qk_norm}: data is null where the file has none. */
  private record Side(
      TernaryBuffer data, long rows, long columns, long count, TernaryBuffer weight, float eps) {
    static Side of(TensorOperation of, String name, long headDim) {
      OperandFile in = of.in();
      if (!in.has(name)) {
        if (in.has(name + "_weight")) {
          throw new IllegalArgumentException(
              "\"" + name + "_weight\" is given without \"" + name + "\", must be with it");
        }
        return new Side(null, 0, 0, 0, null, 0);
      }
      Tensor tensor = in.tensor(name, 2, TensorOperation.FLOATS);
      long columns = tensor.shape()[1];
      if (headDim < 1 || columns % headDim != 0) {
        throw new IllegalArgumentException(
            "metadata head_dim is "
                + headDim
                + " and \""
                + name
                + "\" has "
                + columns
                + " columns, must be a multiple of it");
      }
      float[] weight = in.floats(name + "_weight", headDim, "head_dim");
      return new Side(
          copyOf(tensor),
          tensor.shape()[0],
          columns,
          columns / headDim,
          buffer(weight),
          of.number(name + "_eps", "1e-5"));
    }

    Heads heads() {
      return data == null ? null : Heads.of(data, columns, count, weight, eps);
    }

    void put(TensorOperation of, String name) {
      if (data != null) {
        of.put(name, data, rows, columns);
      }
    }

    /** Memory of our own, which is written. */
    private static TernaryBuffer copyOf(Tensor tensor) {
      TernaryBuffer read = tensor.toBuffer();
      TernaryBuffer copy = TernaryBuffer.allocate(read.dataType(), read.elements());
      copy.asByteBuffer().put(read.asByteBuffer());
      return copy;
    }
  }

  static String required(OperandFile in, String op, String name) {
    String text = in.text(name, null);
    if (text == null) {
      throw new IllegalArgumentException(
          op + " needs the metadata \"" + name + "\", which the file does not have");
    }
    return text;
  }

  private static TernaryBuffer buffer(float[] values) {
    return values == null ? null : TernaryBuffer.copyOf(DataType.F32, values);
  }
}
