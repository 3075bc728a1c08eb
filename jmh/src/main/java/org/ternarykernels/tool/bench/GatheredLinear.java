package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.tool.problem.ExpertCopies;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.RandomProblem;

/**
 * The products of a layer of experts as separate calls: of each expert two layers, on rows that lie
 * gathered already. Gathering, gates and sums over slots are not in it.
 */
final class GatheredLinear implements AutoCloseable {
  /** An expert's products. */
  private record Expert(TernaryLinear gateUp, TernaryLinear down) {}

  /** Rows of an active expert, and where its outputs go. */
  private record Part(
      TernaryBuffer x, TernaryBuffer gateUp, TernaryBuffer gated, TernaryBuffer y, int rows) {}

  private final ExpertRounds rounds;

  /** Of each copy of the weights. */
  private final List<List<Expert>> experts = new ArrayList<>();

  private final List<Part> parts = new ArrayList<>();
  private int call;

  GatheredLinear(
      TernaryRuntime runtime, ExpertCopies weights, Activation activation, ExpertRounds rounds) {
    this.rounds = rounds;
    for (ExpertCopies.Copy copy : weights.copies()) {
      List<Expert> own = new ArrayList<>();
      experts.add(own);
      for (int e = 0; e < weights.shape().experts(); e++) {
        own.add(
            new Expert(
                layer(runtime, copy.w13(), e, activation),
                layer(runtime, copy.w2(), e, activation)));
      }
    }
    MoeShape shape = weights.shape();
    RandomProblem random = new RandomProblem(Workload.ROW_SEED);
    for (int rows : rounds.rows()) {
      parts.add(
          new Part(
              random.activations(DataType.BF16, rows, shape.h()),
              TernaryBuffer.allocate(DataType.F32, 2L * rows * shape.i()),
              random.activations(DataType.F32, rows, shape.i()),
              TernaryBuffer.allocate(DataType.F32, (long) rows * shape.h()),
              rows));
    }
  }

  private static TernaryLinear layer(
      TernaryRuntime runtime, ExpertWeights weights, int e, Activation activation) {
    try (TernaryWeights matrix = weights.expert(e)) {
      return TernaryLinear.builder(runtime, matrix).activation(activation).build();
    }
  }

  /** The calls for what one call of the layer of experts computes. */
  void run() {
    List<Expert> own = experts.get(call / rounds.calls());
    int round = call % rounds.calls();
    for (int i = 0; i < parts.size(); i++) {
      Expert expert = own.get(rounds.expert(round, i));
      Part part = parts.get(i);
      expert.gateUp.apply(part.x, part.gateUp, part.rows);
      expert.down.apply(part.gated, part.y, part.rows);
    }
    call = (call + 1) % (rounds.calls() * experts.size());
  }

  @Override
  public void close() {
    for (List<Expert> own : experts) {
      for (Expert expert : own) {
        expert.gateUp.close();
        expert.down.close();
      }
    }
  }
}
