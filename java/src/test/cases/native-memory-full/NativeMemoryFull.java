import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.Oracle;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryException;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** Every kind of call while the system has no more memory, and later some again. */
public final class NativeMemoryFull {
  private static final int N = 64;
  private static final int K = 256;
  private static final int M = 50_000;
  private static final float UNTOUCHED = -7;

  private final byte[] codes = new byte[N * K];
  private final float[] row = new float[K];
  private final TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
  private final TernaryWeights weights;
  private final TernaryLinear linear;
  private final float[] right;
  private final TernaryBuffer x = TernaryBuffer.allocate(DataType.I8, (long) M * K);
  private final TernaryBuffer scales = TernaryBuffer.allocate(DataType.F32, M);
  private final TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, (long) M * N);
  private final Random random = new Random(3);
  private int refused;
  private int wrong;

  private NativeMemoryFull() {
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (random.nextInt(3) - 1);
    }
    for (int i = 0; i < K; i++) {
      row[i] = i - 77;
    }
    weights = TernaryWeights.pack(codes, N, K, Alpha.tensor(0.5f));
    linear = TernaryLinear.builder(runtime, weights).build();
    right = linear.apply(row, 1);
  }

  private void call(int kind) {
    switch (kind) {
      case 0 -> linear.apply(x, K, scales, y, N, M);
      case 1 -> check(linear.apply(row, 1));
      case 2 -> TernaryWeights.pack(codes, N, K, Alpha.tensor(1)).close();
      case 3 -> TernaryRuntime.builder().threads(64).build().close();
      case 4 -> weights.repack(Layout.T5_TILED).close();
      case 5 -> TernaryLinear.builder(runtime, weights).bias(new float[N]).build().close();
      case 6 -> runtime.infoJson();
      default -> Oracle.linear(weights, Activation.A8, null, x, K, scales, y, N, 200);
    }
  }

  private void check(float[] result) {
    if (!Arrays.equals(result, right)) {
      wrong++;
    }
  }

  private List<TernaryBuffer> fill() {
    List<TernaryBuffer> held = new ArrayList<>();
    for (long size = 256L << 20; size >= 1 << 20; ) {
      try {
        held.add(TernaryBuffer.allocate(DataType.I8, size));
      } catch (TernaryException e) {
        size >>= 1;
      }
    }
    return held;
  }

  private void run() {
    List<TernaryBuffer> held = fill();
    System.out.println("buffers held: " + held.size());
    for (int i = 0; i < 300; i++) {
      if (i > 100 && i % 10 == 0 && !held.isEmpty()) {
        held.remove(held.size() - 1).close();
      }
      int kind = random.nextInt(8);
      y.put(0, UNTOUCHED);
      try {
        call(kind);
      } catch (TernaryException e) {
        refused++;
        if (y.get(0) != UNTOUCHED) {
          wrong++;
        }
      }
    }
    held.forEach(TernaryBuffer::close);
    check(linear.apply(row, 1));
    System.out.println("refused: " + refused);
    System.out.println("wrong: " + wrong);
  }

  public static void main(String[] arguments) {
    new NativeMemoryFull().run();
  }
}
