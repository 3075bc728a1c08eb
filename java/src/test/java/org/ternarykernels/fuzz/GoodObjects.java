package org.ternarykernels.fuzz;

import java.util.Arrays;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Rotation;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;

/** Objects that fit each other, so that calls get further than their first check. */
final class GoodObjects {
  private GoodObjects() {}

  static void make(Values values, Objects objects, ScratchFiles files) {
    readers(values, objects, files);
    if (values.chance(0.3) || objects.get(TernaryRuntime.class, 0) == null) {
      TernaryRuntime runtime =
          TernaryRuntime.builder()
              .threads(1 + values.below(3))
              .collectPathStats(values.chance(0.8))
              .fuseRmsNormQkv(values.chance(0.5))
              .maxIsa(values.oneOf(Isa.PORTABLE, Isa.AVX2))
              .build();
      close(objects.put(runtime, values.below(24)));
    }
    int n = values.oneOf(1, 3, 4, 16, 17, 33);
    int k = values.oneOf(1, 4, 16, 20, 32, 33, 64, 80);
    byte[] w = new byte[n * k];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (values.below(3) - 1);
    }
    Alpha alpha = alpha(values, n, k);
    objects.put(alpha, values.below(24));
    TernaryWeights weights = TernaryWeights.pack(w, n, k, alpha);
    TernaryWeights other = weights.repack(values.oneOf(Layout.values()));
    layers(values, objects, weights, other);
    close(objects.put(weights, values.below(24)));
    close(objects.put(other, values.below(24)));
    for (int i = 0; i < 3; i++) {
      int elements = values.oneOf(1, k, n, n * k, 4 * k, 4 * n, 100, 1000);
      TernaryBuffer buffer = TernaryBuffer.allocate(values.oneOf(DataType.values()), elements);
      objects.put(buffer, values.below(24));
    }
  }

  /** Files and tensors; a closed one's tensors are still in their slots. */
  private static void readers(Values values, Objects objects, ScratchFiles files) {
    BitNetCheckpoint checkpoint = BitNetCheckpoint.open(files.original());
    for (String name : checkpoint.tensors().names()) {
      objects.put(checkpoint.tensors().tensor(name), values.below(24));
    }
    if (objects.put(checkpoint, values.below(24)) instanceof BitNetCheckpoint old) {
      old.close();
    }
  }

  private static Alpha alpha(Values values, int n, int k) {
    AlphaKind kind = values.oneOf(AlphaKind.values());
    int count =
        switch (kind) {
          case TENSOR -> 1;
          case ROW -> n;
          case COLUMN -> k;
          case GROUP -> n * ((k + 31) / 32);
        };
    float[] scales = new float[count];
    Arrays.fill(scales, 0.5f);
    return Alpha.of(kind, kind == AlphaKind.GROUP ? 32 : 0, scales);
  }

  private static void layers(
      Values values, Objects objects, TernaryWeights weights, TernaryWeights other) {
    Activation activation =
        values.oneOf(Activation.A8, Activation.A16, Activation.a8(32), Activation.a8(64));
    Rotation rotation = weights.k() % 32 == 0 && values.chance(0.5) ? Rotation.of(32) : null;
    objects.put(activation, values.below(24));
    objects.put(rotation == null ? Rotation.of(64, signs(values)) : rotation, values.below(24));
    int slot = values.below(24);
    TernaryRuntime runtime = (TernaryRuntime) objects.get(TernaryRuntime.class, values.below(24));
    if (runtime == null) {
      return;
    }
    float[] norm = new float[(int) weights.k()];
    Arrays.fill(norm, 1f);
    try {
      close(
          objects.put(
              TernaryLinear.builder(runtime, other)
                  .activation(activation)
                  .rotation(rotation)
                  .build(),
              slot));
      close(
          objects.put(
              RmsNormLinear.builder(runtime, weights)
                  .norm(norm, 1e-5f)
                  .activation(activation)
                  .rotation(rotation)
                  .build(),
              slot));
    } catch (IllegalStateException e) {
      if (!e.getMessage().contains("closed")) { // by another call, as it may be
        throw e;
      }
    }
  }

  private static float[] signs(Values values) {
    float[] signs = new float[64];
    for (int i = 0; i < signs.length; i++) {
      signs[i] = values.chance(0.5) ? 1 : -1;
    }
    return signs;
  }

  private static void close(Object old) {
    if (old instanceof TernaryRuntime runtime) {
      runtime.close();
    } else if (old instanceof TernaryWeights weights) {
      weights.close();
    } else if (old instanceof TernaryLinear layer) {
      layer.close();
    } else if (old instanceof RmsNormLinear layer) {
      layer.close();
    }
  }
}
