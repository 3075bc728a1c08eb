package org.ternarykernels.tool.verify;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.AlphaKind;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.problem.RandomProblem;
import org.ternarykernels.tool.problem.Shape;

/** Every kernel of the given runtimes on every shape, M, operation, type, scale and activation. */
public final class VerifySuite {
  private static final int GROUP = 64;

  /**
   * A runtime whose kernels are verified.
   *
   * @param readsRows whether it has kernels for row-major I2S that others have not; else these
   *     weights would only repeat
   */
  public record Under(TernaryRuntime runtime, boolean readsRows) {}

  private final List<Under> runtimes;
  private final VerifyLimits limits;
  private final BiConsumer<Integer, String> progress;
  private final List<VerifyResult> results = new ArrayList<>();

  /**
   * @param runtimes one for each instruction set, capped to it, or those of a GPU
   * @param progress receives the number of problems done and the present shape
   */
  public VerifySuite(
      List<Under> runtimes, VerifyLimits limits, BiConsumer<Integer, String> progress) {
    this.runtimes = runtimes;
    this.limits = limits;
    this.progress = progress;
  }

  /** How many problems {@link #run} will have. */
  public static int problems(List<Shape> shapes, List<Integer> ms) {
    int kinds = 0;
    for (AlphaKind kind : AlphaKind.values()) {
      for (DataType type : DataType.values()) {
        kinds += (allowed(kind, type, false) ? 1 : 0) + (allowed(kind, type, true) ? 1 : 0);
      }
    }
    return shapes.size() * ms.size() * kinds;
  }

  /** Int8 X is quantised already: no norm before it, no scale into it. */
  private static boolean allowed(AlphaKind kind, DataType type, boolean normed) {
    return type != DataType.I8 || (!normed && kind != AlphaKind.COLUMN);
  }

  public List<VerifyResult> run(List<Shape> shapes, List<Integer> ms) {
    long seed = 1;
    int done = 0;
    for (Shape shape : shapes) {
      for (AlphaKind kind : AlphaKind.values()) {
        RandomProblem random = new RandomProblem(seed++);
        byte[] w = random.weights(shape.n(), shape.k());
        Alpha alpha = random.alpha(kind, GROUP, shape.n(), shape.k());
        try (TernaryWeights tiled = TernaryWeights.pack(w, shape.n(), shape.k(), alpha);
            TernaryWeights fives = tiled.repack(Layout.T5_TILED);
            TernaryWeights threes = tiled.repack(Layout.T3_TILED);
            TernaryWeights plain = tiled.repack(Layout.I2S)) {
          done = run(shape, ms, w, alpha, List.of(tiled, fives, threes, plain), random, done);
        }
      }
    }
    return results;
  }

  private int run(
      Shape shape,
      List<Integer> ms,
      byte[] w,
      Alpha alpha,
      List<TernaryWeights> layouts,
      RandomProblem random,
      int done) {
    for (int m : ms) {
      for (DataType type : DataType.values()) {
        for (boolean normed : new boolean[] {false, true}) {
          if (allowed(alpha.kind(), type, normed)) {
            progress.accept(done++, shape.n() + " x " + shape.k() + ", M " + m);
            run(new VerifyProblem(shape, w, alpha, m, type, normed, random), layouts);
          }
        }
      }
    }
    return done;
  }

  private void run(VerifyProblem problem, List<TernaryWeights> layouts) {
    for (Activation activation : Activation.values()) {
      if (activation == Activation.A16 && problem.input == DataType.I8) {
        continue;
      }
      for (Under under : runtimes) {
        for (TernaryWeights weights : layouts) {
          if (weights.layout() != Layout.I2S || under.readsRows()) {
            results.add(problem.run(under.runtime(), weights, activation, limits));
          }
        }
      }
    }
  }

  /** The results of each path together, in order of appearance. */
  public static Map<String, List<VerifyResult>> byPath(List<VerifyResult> results) {
    Map<String, List<VerifyResult>> paths = new LinkedHashMap<>();
    for (VerifyResult result : results) {
      paths.computeIfAbsent(result.path(), path -> new ArrayList<>()).add(result);
    }
    return paths;
  }
}
