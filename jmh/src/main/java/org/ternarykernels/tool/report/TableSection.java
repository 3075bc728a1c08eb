package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.function.Function;

/** A command whose rows are a table and a sentence. */
record TableSection(String command, DataTable table, Function<JsonNode, String> sentence)
    implements Section {

  /** How many users are carried. */
  static TableSection capacity() {
    return new TableSection(
        "capacity",
        new DataTable()
            .plain("kind", "kind")
            .plain("users", "users")
            .plain("meets", "meets")
            .number("first token p95 ms", "ttft_p95_ns", 1e6, 2)
            .number("between tokens p95 ms", "itl_p95_ns", 1e6, 2)
            .number("tokens/s", "tokens_per_second", 1, 1)
            .plain("failed", "failed")
            .plain("KV tokens", "kv_tokens")
            .number("KV MB of a user", "kv_bytes", 1e6, 1)
            .number("memory left GB", "memory_left_bytes", 1e9, 1)
            .plain("KV fits", "kv_ok"),
        result ->
            "Users served in time: ternary "
                + result.at("/largest_users/ternary").asText("?")
                + ", dense "
                + result.at("/largest_users/dense").asText("?")
                + ". First token within "
                + result.at("/limits/ttft_ms").asText("?")
                + " ms, further ones within "
                + result.at("/limits/itl_ms").asText("?")
                + " ms.");
  }

  /** Results that were computed again. */
  static TableSection shadow() {
    return new TableSection(
        "shadow",
        new DataTable()
            .plain("op", "op")
            .plain("M", "M")
            .plain("N", "N")
            .plain("K", "K")
            .plain("path", "path")
            .plain("by", "by")
            .plain("worst row", "worst_row")
            .plain("max abs", "max_abs")
            .plain("max rel", "max_rel")
            .plain("different", "different")
            .plain("elements", "elements"),
        result ->
            result.path("sampled").asText("?")
                + " calls were computed again, "
                + result.path("different").asText("?")
                + " differed.");
  }

  /** Two backends that write text. */
  static TableSection parity() {
    return new TableSection(
        "parity",
        new DataTable()
            .plain("prompt", "prompt")
            .plain("tokens", "tokens")
            .plain("same", "same")
            .plain("first mismatch", "first_mismatch"),
        result ->
            "The backends write "
                + (result.path("parity_passed").asBoolean()
                    ? "the same text."
                    : "different texts."));
  }

  @Override
  public String of(List<Run> runs) {
    StringBuilder html = new StringBuilder();
    for (Run run : runs) {
      html.append(Page.runHead(run));
      html.append(new Html().element("p", sentence.apply(run.result())));
      html.append(table.of(run.rows()));
      html.append(BenchSection.gates(run));
    }
    return html.toString();
  }
}
