package org.ternarykernels;

import java.util.Random;

/** A router of any kind with rows for it, in host memory or in a GPU's. */
final class RouterProblem {
  private static final DataType[] FLOATS = {DataType.F32, DataType.F16, DataType.BF16};

  final int experts;
  final int k;
  final int m;
  final boolean ofX;

  /** Of logits, or of X. */
  final int columns;

  final TernaryBuffer x;
  final DataType weightsType;

  private final Router.Builder settings;
  private final TernaryBuffer matrix;
  private final TernaryBuffer bias;
  private final TernaryBuffer correctionBias;

  RouterProblem(Random random) {
    this(random, random.nextBoolean());
  }

  RouterProblem(Random random, boolean ofX) {
    int groups = 1 + random.nextInt(4);
    this.experts = groups * (1 + random.nextInt(40));
    this.k = 1 + random.nextInt(Math.min(experts, 12));
    this.m = 1 + random.nextInt(5);
    this.ofX = ofX;
    int h = 1 + random.nextInt(200);
    this.columns = ofX ? h : experts;
    this.settings =
        Router.builder(experts, k)
            .method(RouteMethod.values()[random.nextInt(3)])
            .scaling(random.nextBoolean() ? 1 : 2.5f);
    if (random.nextBoolean()) {
      settings.renormalise(random.nextBoolean() ? 0 : 1e-20f);
    }
    if (random.nextBoolean()) {
      settings.groups(groups, groups, GroupScore.values()[random.nextInt(2)]);
    }
    if (ofX) {
      settings.roundLogits(any(random));
    }
    this.matrix = ofX ? Problems.activations(random, any(random), experts * h) : null;
    this.bias = ofX && random.nextBoolean() ? floats(random, experts) : null;
    this.correctionBias = random.nextBoolean() ? floats(random, experts) : null;
    this.x = Problems.activations(random, any(random), m * columns);
    this.weightsType = random.nextBoolean() ? DataType.F32 : DataType.BF16;
  }

  private static DataType any(Random random) {
    return FLOATS[random.nextInt(3)];
  }

  private static TernaryBuffer floats(Random random, int count) {
    return TernaryBuffer.copyOf(DataType.F32, Problems.floats(random, count));
  }

  Router onHost() {
    if (ofX) {
      settings.matrix(matrix, columns).bias(bias);
    }
    return settings.correctionBias(correctionBias).build();
  }

  Router onGpu(DeviceBuffers memory) {
    if (ofX) {
      settings.matrix(memory.of(matrix), columns).bias(memory.ofNullable(bias));
    }
    return settings.correctionBias(memory.ofNullable(correctionBias)).build();
  }

  Routing routing() {
    return Routing.allocate(m, k, weightsType);
  }

  /** What the oracle chooses for rows as many and of the same type as X. */
  Routing expected(TernaryBuffer rows) {
    Routing expected = routing();
    ExpertOracle.route(onHost(), rows, columns, expected, m);
    return expected;
  }
}
