package org.ternarykernels.tool.onednn;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.tool.measure.Interleaved;
import org.ternarykernels.tool.onednn.OneDnnMatmul.Types;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.ScalarFormat;
import org.ternarykernels.tool.problem.Shape;
import org.ternarykernels.tool.rival.RivalAnswers;

/**
 * The process that {@link OneDnnServer} starts and talks to by lines: prepares oneDNN's dense
 * product on a layer's data, checks its first row, and runs it when told.
 *
 * <pre>
 *   layer N K seed             ok
 *   prepare TYPES M bytes      ok, or no with the reason; bytes: of all copies of the weights
 *   run TYPES nanoseconds      ns a call
 *   drop                       ok; forgets what was prepared
 * </pre>
 */
final class OneDnnProcess {
  /**
   * bf16 outputs are off by their last rounding; a difference of this share of the row's RMS is
   * wrong.
   */
  private static final double TOLERANCE = 0x1p-6;

  private final Map<Types, OneDnnMatmul> prepared = new EnumMap<>(Types.class);
  private Shape shape;
  private byte[] w;

  private OneDnnProcess() {}

  /** Serves until its input ends. */
  public static void main(String[] arguments) throws IOException {
    RivalAnswers.serve(new OneDnnProcess()::answer);
  }

  private String answer(String[] words) {
    switch (words[0]) {
      case "layer":
        drop();
        shape = new Shape(Integer.parseInt(words[1]), Integer.parseInt(words[2]), "layer");
        w = new RandomProblem(Long.parseLong(words[3])).weights(shape.n(), shape.k());
        return RivalAnswers.OK;
      case "prepare":
        return prepare(
            Types.valueOf(words[1]), Integer.parseInt(words[2]), Long.parseLong(words[3]));
      case "run":
        OneDnnMatmul matmul = prepared.get(Types.valueOf(words[1]));
        return Double.toString(Interleaved.of(matmul::run).slice(Long.parseLong(words[2])));
      case "drop":
        drop();
        return RivalAnswers.OK;
      default:
        throw new IllegalArgumentException("no such request: " + words[0]);
    }
  }

  private void drop() {
    prepared.values().forEach(OneDnnMatmul::close);
    prepared.clear();
  }

  private String prepare(Types types, int m, long bytes) {
    OneDnnMatmul old = prepared.remove(types);
    if (old != null) {
      old.close();
    }
    TernaryBuffer y =
        TernaryBuffer.allocate(
            types == Types.BF16 ? DataType.BF16 : DataType.F32, (long) m * shape.n());
    float[] x = activations(types, m);
    try {
      OneDnnMatmul matmul =
          new OneDnnMatmul(
              types, m, shape.n(), shape.k(), operand(types, x), dense(types), y, bytes);
      matmul.run();
      double error = firstRowError(x, firstRow(types, y));
      if (error > (types.isInt8() ? 0 : TOLERANCE)) {
        matmul.close();
        return RivalAnswers.no("oneDNN is wrong by " + error + " of the row's RMS");
      }
      prepared.put(types, matmul);
      return RivalAnswers.OK;
    } catch (OneDnnMatmul.Unavailable e) {
      return RivalAnswers.no(e.getMessage());
    }
  }

  private float[] activations(Types types, int m) {
    if (!types.isInt8()) {
      return new RandomProblem(1).activations(DataType.BF16, m, shape.k()).toArray();
    }
    int least = types == Types.U8_S32 || types == Types.U8_F32 ? 0 : -127;
    SplittableRandom random = new SplittableRandom(1);
    float[] x = new float[m * shape.k()];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextInt(least, 128);
    }
    return x;
  }

  private static TernaryBuffer operand(Types types, float[] x) {
    if (!types.isInt8()) {
      return TernaryBuffer.copyOf(types == Types.BF16 ? DataType.BF16 : DataType.F32, x);
    }
    TernaryBuffer bytes = TernaryBuffer.allocate(DataType.I8, x.length);
    ByteBuffer target = bytes.asByteBuffer();
    for (float value : x) {
      target.put((byte) value);
    }
    return bytes;
  }

  /** W as it is: a scale would be folded into the next step. */
  private TernaryBuffer dense(Types types) {
    DataType type =
        types.isInt8() ? DataType.I8 : types == Types.BF16 ? DataType.BF16 : DataType.F32;
    TernaryBuffer dense = TernaryBuffer.allocate(type, w.length);
    ByteBuffer bytes = dense.asByteBuffer();
    if (type == DataType.I8) {
      bytes.put(w);
      return dense;
    }
    for (int i = 0; i < w.length; i++) {
      ScalarFormat.write(bytes, type, i, w[i]);
    }
    return dense;
  }

  private float[] firstRow(Types types, TernaryBuffer y) {
    float[] row = new float[shape.n()];
    if (types == Types.S8_S32 || types == Types.U8_S32) {
      ByteBuffer ints = y.asByteBuffer().order(ByteOrder.nativeOrder());
      for (int i = 0; i < row.length; i++) {
        row[i] = ints.getInt(Integer.BYTES * i); // below 2^24 here, so exact
      }
    } else {
      y.get(0, row);
    }
    return row;
  }

  /**
   * The largest difference to the row's RMS; sums of whole numbers below 2^53 are exact in double.
   */
  private double firstRowError(float[] x, float[] y) {
    double squares = 0;
    double worst = 0;
    for (int n = 0; n < y.length; n++) {
      double sum = 0;
      for (int k = 0; k < shape.k(); k++) {
        sum += (double) x[k] * w[n * shape.k() + k];
      }
      squares += sum * sum;
      worst = Math.max(worst, Math.abs(y[n] - sum));
    }
    return worst == 0 ? 0 : worst / Math.max(1e-30, Math.sqrt(squares / y.length));
  }
}
