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

  /** Of activations: none, one that the groups are a multiple of, and a multiple of the groups. */
  private static final List<Activation> INT8 =
      List.of(Activation.A8, Activation.a8(GROUP / 2), Activation.a8(2 * GROUP));

  /** Rotated problems are as many again for a type, so one has them. */
  private static final DataType ROTATED = DataType.BF16;

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
    int problems = 0;
    for (Shape shape : shapes) {
      for (AlphaKind kind : AlphaKind.values()) {
        problems += ms.size() * kinds(kind, shape).size();
      }
    }
    return problems;
  }

  /**
   * What problems of a matrix differ in.
   *
   * @param block of the scales of int8 X, 0 for one a row
   * @param rotation columns, 0 for none
   */
  private record Kind(DataType type, boolean normed, int block, int rotation) {}

  private static List<Kind> kinds(AlphaKind alpha, Shape shape) {
    List<Kind> kinds = new ArrayList<>();
    for (DataType type : DataType.values()) {
      for (boolean normed : new boolean[] {false, true}) {
        if (type == DataType.I8 && allowed(alpha, type, normed)) {
          INT8.forEach(activation -> kinds.add(new Kind(type, false, activation.block(), 0)));
        } else if (allowed(alpha, type, normed)) {
          kinds.add(new Kind(type, normed, 0, 0));
          int rotation = Math.min(4096, Integer.lowestOneBit(shape.k()));
          if (type == ROTATED && rotation >= 32) {
            kinds.add(new Kind(type, normed, 0, rotation));
          }
        }
      }
    }
    return kinds;
  }

  /** Int8 X is quantised already: no norm before it, no scale into it. I32 is no type of X. */
  private static boolean allowed(AlphaKind kind, DataType type, boolean normed) {
    if (type == DataType.I32) {
      return false;
    }
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
      for (Kind kind : kinds(alpha.kind(), shape)) {
        progress.accept(done++, shape.n() + " x " + shape.k() + ", M " + m);
        run(
            new VerifyProblem(
                shape,
                w,
                alpha,
                m,
                kind.type(),
                kind.normed(),
                kind.block(),
                kind.rotation(),
                random),
            layouts);
      }
    }
    return done;
  }

  private void run(VerifyProblem problem, List<TernaryWeights> layouts) {
    for (Activation activation : activations(problem)) {
      for (Under under : runtimes) {
        for (TernaryWeights weights : layouts) {
          if (weights.layout() != Layout.I2S || under.readsRows()) {
            results.add(problem.run(under.runtime(), weights, activation, limits));
          }
        }
      }
    }
  }

  /** Int8 X is given with the scales of one activation; other X serves all. */
  private static List<Activation> activations(VerifyProblem problem) {
    if (problem.input == DataType.I8) {
      return List.of(problem.block == 0 ? Activation.A8 : Activation.a8(problem.block));
    }
    List<Activation> activations = new ArrayList<>(INT8);
    activations.add(Activation.A16);
    return activations;
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
