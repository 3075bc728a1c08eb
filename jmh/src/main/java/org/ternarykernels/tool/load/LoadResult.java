package org.ternarykernels.tool.load;

import java.util.LinkedHashMap;
import java.util.Map;

/** What came of users' requests. */
public final class LoadResult {
  final LoadPlan plan;
  final Latencies step = new Latencies();
  final Latencies firstToken = new Latencies();
  final Latencies betweenTokens = new Latencies();
  final Latencies endToEnd = new Latencies();
  int served;
  int failed;
  long tokens;
  long rows;
  long waiting;
  int mostWaiting;
  boolean cut;
  long nanos;
  String why = "";

  LoadResult(LoadPlan plan) {
    this.plan = plan;
  }

  /** Requests that got no answer. */
  public int failed() {
    return failed;
  }

  /** Whether the time ended before the requests did. */
  public boolean isCut() {
    return cut;
  }

  /** Nanoseconds from a request's arrival to its first token. */
  public Latencies firstToken() {
    return firstToken;
  }

  /** Nanoseconds between the tokens of a text. */
  public Latencies betweenTokens() {
    return betweenTokens;
  }

  /**
   * The row of the result.
   *
   * @param timed false on the software GPU, whose times say nothing
   */
  public Map<String, Object> row(boolean timed) {
    double seconds = nanos / 1e9;
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("users", plan.users());
    row.put("mode", plan.isOpen() ? "open" : "closed");
    row.put("rate", plan.isOpen() ? plan.rate() : null);
    row.put("hold", plan.hold());
    row.put("requests", served + failed);
    row.put("failed", failed);
    row.put("success_rate", served + failed == 0 ? null : (double) served / (served + failed));
    row.put("seconds", timed ? seconds : null);
    step.put(row, "step", timed);
    firstToken.put(row, "ttft", timed);
    betweenTokens.put(row, "itl", timed);
    endToEnd.put(row, "e2e", timed);
    row.put("tokens_per_second", timed && seconds > 0 ? tokens / seconds : null);
    row.put("requests_per_second", timed && seconds > 0 ? served / seconds : null);
    row.put("queue_depth_mean", step.count() == 0 ? null : (double) waiting / step.count());
    row.put("queue_depth_max", mostWaiting);
    row.put("rows_mean", step.count() == 0 ? null : (double) rows / step.count());
    row.put("steps", step.count());
    row.put("cut", cut);
    if (!why.isEmpty()) {
      row.put("why", why);
    }
    return row;
  }
}
