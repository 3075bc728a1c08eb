package org.ternarykernels.tool.load;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ternarykernels.tool.stack.Stack;

/** Steps of one row: those that warm a stack up, and those that are measured. */
public final class FirstSteps {
  private static final int STEPS = 50;

  private final Stack stack;
  private final Clock clock;

  public FirstSteps(Stack stack, Clock clock) {
    this.stack = stack;
    this.clock = clock;
  }

  /** Steps of as many rows as the stack takes, and of one. */
  public void warmUp(int steps) {
    if (steps > 0) {
      int context = stack.sizes().context();
      int prompt = context == 0 ? stack.mostRows() : Math.min(stack.mostRows(), context - steps);
      try (Stack.Sequence text = stack.begin(Math.max(1, prompt), steps, 0)) {
        stack.step(List.of(new Stack.Part(text, Math.max(1, prompt))));
        for (int i = 1; i < steps; i++) {
          stack.step(List.of(new Stack.Part(text, 1)));
        }
      }
    }
  }

  /**
   * Measures single rows: what one user sees.
   *
   * @param timed false on the software GPU, whose times say nothing
   */
  public Map<String, Object> measure(boolean timed) {
    Latencies latencies = new Latencies();
    long begin = 0;
    try (Stack.Sequence text = stack.begin(1, STEPS + 1, 0)) {
      stack.step(List.of(new Stack.Part(text, 1)));
      begin = clock.nanoTime();
      for (int i = 0; i < STEPS; i++) {
        long stepBegin = clock.nanoTime();
        stack.step(List.of(new Stack.Part(text, 1)));
        latencies.add(clock.nanoTime() - stepBegin);
      }
    }
    double seconds = (clock.nanoTime() - begin) / 1e9;
    Map<String, Object> json = new LinkedHashMap<>();
    for (int percent : new int[] {50, 95, 99}) {
      json.put("p" + percent + "_ns", timed ? latencies.percentile(percent) : null);
    }
    json.put("tokens_per_second", timed && seconds > 0 ? STEPS / seconds : null);
    json.put("steps", STEPS);
    return json;
  }
}
