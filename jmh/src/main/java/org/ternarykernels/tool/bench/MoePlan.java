package org.ternarykernels.tool.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.tool.problem.ExpertChoice;
import org.ternarykernels.tool.problem.MoeShape;
import org.ternarykernels.tool.problem.WeightCopies.State;

/**
 * What a benchmark of layers of experts measures, in an order that makes weights once.
 *
 * @param rows of X
 * @param choices of experts
 */
public record MoePlan(
    List<MoeShape> shapes,
    List<Integer> rows,
    List<ExpertChoice> choices,
    List<Integer> threads,
    List<Isa> isas,
    List<Layout> layouts,
    List<State> memory,
    List<Activation> activations) {

  public static final List<Integer> ALL_ROWS = List.of(1, 4, 16, 64, 256);

  /** One row of results. */
  record Case(
      MoeShape shape,
      int m,
      ExpertChoice choice,
      Layout layout,
      Isa isa,
      int threads,
      State memory,
      Activation activation) {

    static String lower(Enum<?> value) {
      return value.name().toLowerCase(Locale.ROOT);
    }

    /** The fields that say what was measured. */
    RowFields begin() {
      RowFields row = new RowFields();
      row.put("op", "moe");
      row.put("activation", activation.toString());
      row.put("shape", shape.name());
      row.put("experts", shape.experts());
      row.put("slots", shape.slots());
      row.put("H", shape.h());
      row.put("I", shape.i());
      row.put("alpha", lower(shape.alpha()));
      row.put("M", m);
      row.put("routing", lower(choice));
      row.put("layout", lower(layout));
      row.put("isa", isa.id());
      row.put("path", null);
      row.put("threads", threads);
      row.put("memory", lower(memory));
      return row;
    }

    @Override
    public String toString() {
      return "moe " + shape.name() + " M " + m + " " + lower(choice) + " " + lower(layout);
    }
  }

  /** All of it. */
  List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (MoeShape shape : shapes) {
      for (State state : memory) {
        for (Layout layout : layouts) {
          for (Activation activation : activations) {
            for (Isa isa : isas) {
              for (int count : threads) {
                for (int m : rows) {
                  for (ExpertChoice choice : choices) {
                    cases.add(new Case(shape, m, choice, layout, isa, count, state, activation));
                  }
                }
              }
            }
          }
        }
      }
    }
    return cases;
  }
}
