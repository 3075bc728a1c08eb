package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Locale;
import java.util.function.Function;

/** What is taken of the result of {@code load}, a column each. Times are nanoseconds. */
enum Metric {
  M1_P50(document -> document.at("/m1/p50_ns")),
  M1_P95(document -> document.at("/m1/p95_ns")),
  M1_TPS(document -> document.at("/m1/tokens_per_second")),
  C1_TPS(document -> level(document, 1).path("tokens_per_second")),
  C16_TPS(document -> level(document, 16).path("tokens_per_second")),
  CMAX_TPS(document -> level(document, mostUsers(document)).path("tokens_per_second")),
  C1_P50(document -> level(document, 1).path("step_p50_ns")),
  CMAX_P50(document -> level(document, mostUsers(document)).path("step_p50_ns"));

  private final Function<JsonNode, JsonNode> place;

  Metric(Function<JsonNode, JsonNode> place) {
    this.place = place;
  }

  /** The name of its column. */
  String column() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Its value in a result; NaN where there is none. */
  double of(JsonNode document) {
    return place.apply(document).asDouble(Double.NaN);
  }

  /** The row of so many users; of an open loop, the last. */
  private static JsonNode level(JsonNode document, int users) {
    JsonNode found = MissingNode.getInstance();
    for (JsonNode row : document.path("rows")) {
      if (row.path("users").asInt() == users) {
        found = row;
      }
    }
    return found;
  }

  /** Users of the largest load level that ran; 0 if none did. */
  static int mostUsers(JsonNode document) {
    int most = 0;
    for (JsonNode row : document.path("rows")) {
      most = Math.max(most, row.path("users").asInt());
    }
    return most;
  }

  /** Requests that failed, of all levels together. */
  static long failed(JsonNode document) {
    long failed = 0;
    for (JsonNode row : document.path("rows")) {
      failed += row.path("failed").asLong();
    }
    return failed;
  }
}
