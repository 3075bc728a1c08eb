package org.ternarykernels.fuzz;

import java.util.Arrays;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.RmsNormLinear;
import org.ternarykernels.Rotation;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
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
    experts(values, objects);
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

  private static void experts(Values values, Objects objects) {
    int experts = 1 + values.below(4);
    int h = values.oneOf(1, 4, 17, 32);
    int between = values.oneOf(1, 3, 32);
    int slots = 1 + values.below(Math.min(2, experts));
    objects.put(Routing.allocate(4, slots, DataType.F32), values.below(24));
    objects.put(Router.builder(experts, slots).renormalise(0).build(), values.below(24));
    objects.put(TernaryBuffer.allocate(DataType.F32, 4L * h), values.below(24));
    ExpertAlpha alpha = ExpertAlpha.expert(new float[experts]);
    ExpertWeights w13 =
        ExpertWeights.pack(new byte[experts * 2 * between * h], experts, 2 * between, h, alpha);
    ExpertWeights w2 =
        ExpertWeights.pack(new byte[experts * between * h], experts, h, between, alpha);
    TernaryRuntime runtime = (TernaryRuntime) objects.get(TernaryRuntime.class, values.below(24));
    try {
      if (runtime != null) {
        MoeLayer layer = MoeLayer.builder(runtime, w13, w2).combine(values.chance(0.8)).build();
        close(objects.put(layer, values.below(24)));
      }
    } catch (IllegalStateException e) {
      if (!e.getMessage().contains("closed")) { // by another call, as it may be
        throw e;
      }
    }
    close(objects.put(w13, values.below(24)));
    close(objects.put(w2, values.below(24)));
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
    } else if (old instanceof ExpertWeights weights) {
      weights.close();
    } else if (old instanceof MoeLayer layer) {
      layer.close();
    }
  }
}
