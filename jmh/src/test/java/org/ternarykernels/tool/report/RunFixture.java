package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Folders as commands leave them, with rows that a test knows. */
public final class RunFixture {
  private static final ObjectMapper JSON = new ObjectMapper();

  private RunFixture() {}

  /** Text that would be more than text, if it were not escaped. */
  public static final String HOSTILE = "</svg></title><script>document.title='run'</script>\"&";

  /** Writes a folder. */
  public static Path write(
      Path folder, String command, Map<String, ?> result, List<? extends Map<String, ?>> rows)
      throws IOException {
    Files.createDirectories(folder);
    JSON.writeValue(
        folder.resolve("config.json").toFile(),
        Map.of("command", command, "hash", "0123456789abcdef", "knobs", Map.of("A", HOSTILE)));
    JSON.writeValue(
        folder.resolve("environment.json").toFile(),
        Map.of("cpu_model", "A CPU", "threads", 2, "jdk", "17", "version", "0.2.0"));
    ObjectNode document = JSON.valueToTree(result);
    document.put("complete", true);
    document.set("rows", JSON.valueToTree(rows));
    JSON.writeValue(folder.resolve("result.json").toFile(), document);
    List<String> lines = new ArrayList<>();
    for (Map<String, ?> row : rows) {
      lines.add(JSON.writeValueAsString(row));
    }
    Files.write(folder.resolve("rows.jsonl"), lines);
    return folder;
  }

  /** One folder of each command, the names being theirs. */
  public static List<Path> all(Path folder) throws IOException {
    List<Path> folders = new ArrayList<>();
    folders.add(
        write(
            folder.resolve("bench"),
            "bench",
            Map.of("gates", List.of(Map.of("gate", HOSTILE, "verdict", "failed"))),
            List.of(bench(1, 20_000, 0.5), bench(16, 80_000, 0.25))));
    folders.add(
        write(
            folder.resolve("load"),
            "load",
            Map.of(
                "path_counts",
                Map.of("linear.gemv_a8_i2s.cpu.avx2", 12, HOSTILE, 3),
                "fallback_counts",
                Map.of("linear.gemm_a8_i2s.cpu.amx:layout", 1),
                "expert_rows",
                List.of(6, 1, 1, 0),
                "m1",
                Map.of("p50_ns", 1e6, "p95_ns", 2e6, "tokens_per_second", 900)),
            List.of(load(1, 1000), load(2, 1800), load(4, 2500))));
    folders.add(
        write(
            folder.resolve("capacity"),
            "capacity",
            Map.of("largest_users", Map.of("ternary", 8, "dense", 2)),
            List.of(Map.of("kind", "ternary", "users", 8, "meets", true))));
    folders.add(
        write(
            folder.resolve("sweep"),
            "sweep",
            Map.of(),
            List.of(
                Map.of("profile", "baseline", "status", "ok", "m1_tps", 100, "cmax_tps", 900),
                Map.of("profile", "split2", "status", "ok", "effect", "none", "m1_tps", 101),
                Map.of("profile", HOSTILE, "status", "failed", "why", "it crashed"))));
    folders.add(
        write(
            folder.resolve("hybrid"),
            "hybrid",
            Map.of("threshold_m", 64),
            List.of(
                Map.of("shape", "o", "M", 1, "ratio", 3.0, "winner", "ternary"),
                Map.of("shape", "o", "M", 128, "ratio", 0.8, "winner", "dense"))));
    folders.add(
        write(
            folder.resolve("shadow"),
            "shadow",
            Map.of("sampled", 7, "different", 1),
            List.of(Map.of("op", "linear", "M", 1, "path", "x", "max_abs", 0.5))));
    folders.add(
        write(
            folder.resolve("parity"),
            "parity",
            Map.of("parity_passed", true),
            List.of(Map.of("prompt", 0, "tokens", 8, "same", true))));
    return folders;
  }

  private static Map<String, Object> bench(int m, double nanos, double share) {
    return Map.ofEntries(
        Map.entry("op", "linear"),
        Map.entry("shape", "tiny/o"),
        Map.entry("N", 256),
        Map.entry("K", 256),
        Map.entry("M", m),
        Map.entry("layout", "i2s_tiled"),
        Map.entry("memory", "resident"),
        Map.entry("ns", nanos),
        Map.entry("gbps", 10.0),
        Map.entry("gops", 40.0 * m),
        Map.entry("limit", m == 1 ? "memory read, 2 threads" : "avx2 int8 peak, 2 threads"),
        Map.entry("ratio_to_limit", share),
        Map.entry("ratio_to_bf16", 2.5),
        Map.entry("ratio_to_int8", 1.25));
  }

  private static Map<String, Object> load(int users, double tokens) {
    return Map.of(
        "users",
        users,
        "tokens_per_second",
        tokens,
        "step_p50_ns",
        1e6,
        "step_p95_ns",
        2e6,
        "ttft_p50_ns",
        3e6,
        "ttft_p95_ns",
        9e6,
        "failed",
        0);
  }
}
