package org.ternarykernels.tool.problem;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/**
 * Operands that look like a network's: ternary weights, a third each; activations about normal with
 * a few outliers four times as large, which is what int8 quantisation has to live with. The same
 * seed gives the same operands anywhere.
 */
public final class RandomProblem {
  private final SplittableRandom random;

  public RandomProblem(long seed) {
    random = new SplittableRandom(seed);
  }

  public byte[] weights(int n, int k) {
    byte[] w = new byte[Math.multiplyExact(n, k)];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (random.nextInt(3) - 1);
    }
    return w;
  }

  /** Scales about 0.03, a factor of 2 around; about 1 where they multiply X. */
  public Alpha alpha(AlphaKind kind, int group, int n, int k) {
    return switch (kind) {
      case TENSOR -> Alpha.tensor(scales(1, 0.03f)[0]);
      case ROW -> Alpha.row(scales(n, 0.03f));
      case COLUMN -> Alpha.column(scales(k, 1));
      case GROUP -> Alpha.group(group, scales(n * ((k + group - 1) / group), 0.03f));
    };
  }

  private float[] scales(int count, float around) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = around * (0.5f + 1.5f * (float) random.nextDouble());
    }
    return values;
  }

  /** Values as {@code type} holds them; whole numbers from -127 to 127 for I8. */
  public TernaryBuffer activations(DataType type, int m, int k) {
    TernaryBuffer x = TernaryBuffer.allocate(type, (long) m * k);
    ByteBuffer bytes = x.asByteBuffer();
    for (int i = 0; i < m * k; i++) {
      float value = type == DataType.I8 ? random.nextInt(-127, 128) : activation();
      ScalarFormat.write(bytes, type, i, value);
    }
    return x;
  }

  /** About normal: the sum of four uniform numbers, variance 1. */
  private float activation() {
    double sum =
        random.nextDouble() + random.nextDouble() + random.nextDouble() + random.nextDouble() - 2;
    double value = sum * Math.sqrt(3);
    return (float) (random.nextInt(200) == 0 ? 4 * value : value);
  }

  /** Signs of a rotation: +1 and -1. */
  public float[] signs(int count) {
    float[] signs = new float[count];
    for (int i = 0; i < count; i++) {
      signs[i] = random.nextBoolean() ? 1 : -1;
    }
    return signs;
  }

  /** Finite values around 0, {@code scale} wide. */
  public float[] vector(int count, float scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = scale * activation();
    }
    return values;
  }
}
