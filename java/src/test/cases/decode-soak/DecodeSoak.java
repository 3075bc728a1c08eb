import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;

/** The load of decoding, a block of BitNet-2B-4T eight times a step, for as long as it is told. */
public final class DecodeSoak {
  private DecodeSoak() {}

  private static final int WIDTH = 2560;
  private static final int HIDDEN = 6912;

  private static long residentKilobytes() throws Exception {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
      String line = lines.filter(l -> l.startsWith("VmRSS")).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("[^0-9]", ""));
    }
  }

  private static TernaryWeights weights(Random random, int n, int k, Layout layout) {
    byte[] codes = new byte[n * k];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (random.nextInt(3) - 1);
    }
    try (TernaryWeights packed = TernaryWeights.pack(codes, n, k, Alpha.tensor(0.02f))) {
      return packed.repack(layout);
    }
  }

  private static RmsNormLinear normed(TernaryRuntime runtime, TernaryWeights weights) {
    float[] norm = new float[WIDTH];
    Arrays.fill(norm, 1);
    return RmsNormLinear.builder(runtime, weights).norm(norm, 1e-5f).build();
  }

  public static void main(String[] arguments) throws Exception {
    long seconds = Long.parseLong(arguments[0]);
    Random random = new Random(1);
    TernaryWeights[] w = {
      weights(random, 3840, WIDTH, Layout.I2S_TILED),
      weights(random, WIDTH, WIDTH, Layout.I2S_TILED),
      weights(random, 2 * HIDDEN, WIDTH, Layout.I2S_TILED),
      weights(random, WIDTH, HIDDEN, Layout.T5_TILED)
    };
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
        RmsNormLinear qkv = normed(runtime, w[0]);
        TernaryLinear output = TernaryLinear.builder(runtime, w[1]).build();
        RmsNormLinear gateUp = normed(runtime, w[2]);
        TernaryLinear down = TernaryLinear.builder(runtime, w[3]).build()) {
      TernaryBuffer x = TernaryBuffer.allocate(DataType.BF16, WIDTH);
      TernaryBuffer residual = TernaryBuffer.allocate(DataType.BF16, WIDTH);
      TernaryBuffer heads = TernaryBuffer.allocate(DataType.BF16, 3840);
      TernaryBuffer attended = TernaryBuffer.allocate(DataType.BF16, WIDTH);
      TernaryBuffer hidden = TernaryBuffer.allocate(DataType.BF16, 2 * HIDDEN);
      TernaryBuffer queries = heads.slice(0, WIDTH);
      TernaryBuffer gate = hidden.slice(0, HIDDEN);
      float[] input = new float[WIDTH];
      for (int i = 0; i < WIDTH; i++) {
        input[i] = (float) random.nextGaussian();
      }
      float[] zeros = new float[WIDTH];
      float[] first = null;
      long early = 0;
      long steps = 0;
      long wrong = 0;
      for (long end = System.nanoTime() + seconds * 1_000_000_000; System.nanoTime() < end; ) {
        x.put(0, input);
        residual.put(0, zeros);
        for (int block = 0; block < 8; block++) {
          qkv.apply(x, residual, residual, heads, 1);
          output.apply(queries, attended, 1);
          gateUp.apply(attended, residual, residual, hidden, 1);
          down.apply(gate, x, 1);
        }
        float[] result = x.toArray();
        if (first == null) {
          first = result;
        } else if (!Arrays.equals(first, result)) {
          wrong++;
        }
        if (++steps == 100) {
          early = residentKilobytes();
        }
      }
      System.out.println("steps: " + steps);
      System.out.println("wrong: " + wrong);
      System.out.println("grown by KB: " + (residentKilobytes() - early));
    }
  }
}
