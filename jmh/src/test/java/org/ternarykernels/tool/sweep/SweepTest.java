package org.ternarykernels.tool.sweep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ternarykernels.tool.sweep.Sweep.Summary;
import org.ternarykernels.tool.sweep.SweepRow.Effect;

/** Profiles whose results are planted: one is dead, one fails, one is noisy, some are better. */
class SweepTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final SweepMachine MACHINE =
      new SweepMachine(
          List.of(
              "TERNARY_MAX_ISA",
              "TERNARY_NUM_THREADS",
              "TERNARY_I2S_SPLITS",
              "TERNARY_ENABLE_PDL",
              "TERNARY_FUSE_RMSNORM_QKV",
              "TERNARY_CUTLASS",
              "TERNARY_PREFILL_SKIP_M",
              "TERNARY_DEVICE"),
          List.of("portable", "avx2"),
          6,
          "");

  private static Profile profile(String name) {
    return new Profile(name, "a purpose", "an effect", Map.of("TERNARY_I2S_SPLITS", "4"), Map.of());
  }

  private static JsonNode result(double m1Nanos, double tokens, String plan, int calls) {
    ObjectNode document = JSON.createObjectNode();
    document.putObject("environment").put("threads", 2);
    document
        .putObject("m1")
        .put("p50_ns", m1Nanos)
        .put("p95_ns", 2 * m1Nanos)
        .put("tokens_per_second", 1e9 / m1Nanos);
    document.putObject("path_counts").put("linear.gemv", calls);
    document
        .putObject("plans")
        .putArray("plans")
        .addObject()
        .put("M", 1)
        .put("path", "gemv")
        .put("splits", plan);
    document
        .putArray("rows")
        .addObject()
        .put("users", 1)
        .put("tokens_per_second", tokens / 4)
        .put("step_p50_ns", m1Nanos)
        .put("failed", 0);
    ((ObjectNode) document)
        .withArray("rows")
        .addObject()
        .put("users", 16)
        .put("tokens_per_second", tokens)
        .put("step_p50_ns", 3 * m1Nanos)
        .put("failed", 0);
    return document;
  }

  /** What each profile gives in each round. */
  private static final class Planted implements ProfileRun {
    final List<String> ran = new ArrayList<>();
    final Map<String, JsonNode> kept = new HashMap<>();
    boolean mended;

    @Override
    public Outcome run(PlannedRun run, Runnable tick) {
      ran.add(run.id());
      tick.run();
      int round = run.round();
      double drift = 1 + 0.2 * round; // a machine that becomes slower meets all profiles alike
      JsonNode document =
          switch (run.profile().name()) {
            case "baseline" -> result(1000 * drift, 800 / drift, "1", 70);
            case "dead" -> result(500 * drift, 1600 / drift, "1", 70);
            case "other_calls" -> result(1000 * drift, 800 / drift, "1", 71);
            case "better" -> result(800 * drift, 1000 / drift, "4", 70);
            case "best" -> result(500 * drift, 1200 / drift, "4", 70);
            case "one_sided" -> result(500 * drift, 700 / drift, "4", 70);
            case "noisy" -> result(round == 2 ? 1100 * drift : 400 * drift, 2000, "4", 70);
            default -> mended ? result(900 * drift, 810 / drift, "2", 70) : null;
          };
      if (document != null) {
        kept.put(run.id(), document);
      }
      return new Outcome(document, document == null ? "exit code 1: it crashed" : "", 0.5);
    }

    @Override
    public JsonNode earlier(PlannedRun run) {
      return kept.get(run.id());
    }
  }

  private static final List<Profile> PROFILES =
      List.of(
          new Profile("baseline", "p", "none", Map.of(), Map.of()),
          profile("dead"),
          profile("other_calls"),
          profile("better"),
          profile("best"),
          profile("one_sided"),
          profile("noisy"),
          profile("fails"));

  private final Planted planted = new Planted();
  private final List<SweepRow> rows = new ArrayList<>();

  private Sweep run(Sweep sweep) throws Exception {
    for (PlannedRun next : sweep.left()) {
      sweep.run(next, () -> {}, rows::add);
    }
    return sweep;
  }

  private Sweep sweep() {
    return new Sweep(PROFILES, PlannedRun.shuffled(PROFILES, 3, 1), planted);
  }

  private static Summary of(Sweep sweep, String name) {
    return sweep.summaries().stream()
        .filter(summary -> summary.profile().name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aKnobThatChangesNoPlanHasNoEffectWhateverItsTimesSay() throws Exception {
    Sweep sweep = run(sweep());
    assertThat(of(sweep, "dead").effect()).isEqualTo(Effect.NONE);
    assertThat(of(sweep, "dead").decode().low()).isGreaterThan(1);
    assertThat(of(sweep, "dead").isBetter()).isFalse();
    assertThat(of(sweep, "other_calls").effect()).isEqualTo(Effect.YES);
    assertThat(sweep.rows()).hasSize(24).allMatch(row -> row.profile() != null);
    assertThat(sweep.rows().stream().filter(row -> row.profile().equals("dead")))
        .allMatch(row -> row.effect() == Effect.NONE);
  }

  @Test
  void betterIsOnlyWhatIsBetterInBothInAllRounds() throws Exception {
    Sweep sweep = run(sweep());
    assertThat(sweep.summaries().stream().filter(Summary::isBetter).map(s -> s.profile().name()))
        .containsExactly("better", "best");
    assertThat(of(sweep, "best").decode().median()).isEqualTo(2);
    assertThat(of(sweep, "best").throughput().median()).isEqualTo(1.5);
    String text = SettingsText.of(sweep.summaries(), "A\nCPU", "2026-12-01");
    assertThat(text.lines())
        .contains("# Kept: best", "TERNARY_I2S_SPLITS=4")
        .allMatch(line -> line.startsWith("#") || line.equals("TERNARY_I2S_SPLITS=4"));
  }

  @Test
  void withoutABetterOneTheSettingsAreComments() throws Exception {
    List<Profile> few = List.of(PROFILES.get(0), PROFILES.get(1), PROFILES.get(6));
    Sweep sweep = run(new Sweep(few, PlannedRun.shuffled(few, 3, 1), planted));
    assertThat(SettingsText.of(sweep.summaries(), "CPU", "d").lines())
        .hasSize(2)
        .allMatch(line -> line.startsWith("#"));
  }

  @Test
  void aProfileThatFailsStaysAndCanBeRunAgain() throws Exception {
    run(sweep());
    assertThat(rows.stream().filter(row -> !row.isOk()))
        .hasSize(3)
        .allMatch(row -> row.why().equals("exit code 1: it crashed"))
        .allMatch(row -> row.log().startsWith("logs/fails."));
    planted.ran.clear();
    planted.mended = true;
    Sweep again = sweep();
    again.resume(rows, true);
    run(again);
    assertThat(planted.ran).containsExactlyInAnyOrder("fails.1", "fails.2", "fails.3");
    assertThat(of(again, "fails").failed()).isZero();
    assertThat(of(again, "fails").effect()).isEqualTo(Effect.YES);
    assertThat(of(again, "best").isBetter()).isTrue();
  }

  @Test
  void anInterruptedSweepGoesOnWhereItWas() throws Exception {
    Sweep first = sweep();
    for (PlannedRun next : first.left().subList(0, 10)) {
      first.run(next, () -> {}, rows::add);
    }
    Sweep second = sweep();
    second.resume(rows, false);
    assertThat(second.left()).hasSize(14);
    run(second);
    assertThat(planted.ran).hasSize(24).doesNotHaveDuplicates();
    assertThat(of(second, "dead").effect()).isEqualTo(Effect.NONE);
  }

  @Test
  void eachRoundHasEveryProfileOnceInAnOrderOfItsOwn() {
    List<PlannedRun> runs = PlannedRun.shuffled(PROFILES, 3, 7);
    assertThat(runs.stream().map(PlannedRun::id)).doesNotHaveDuplicates().hasSize(24);
    List<String> first = names(runs.subList(0, 8));
    assertThat(names(runs.subList(8, 16))).containsExactlyInAnyOrderElementsOf(first);
    assertThat(names(runs.subList(8, 16))).isNotEqualTo(first);
    assertThat(PlannedRun.shuffled(PROFILES, 3, 7)).isEqualTo(runs);
  }

  private static List<String> names(List<PlannedRun> runs) {
    return runs.stream().map(run -> run.profile().name()).toList();
  }

  @Test
  void metricsAreThoseOfTheLoad() {
    JsonNode document = result(1000, 800, "1", 1);
    assertThat(Metric.M1_TPS.of(document)).isEqualTo(1e6);
    assertThat(Metric.C1_TPS.of(document)).isEqualTo(200);
    assertThat(Metric.C16_TPS.of(document)).isEqualTo(800);
    assertThat(Metric.CMAX_TPS.of(document)).isEqualTo(800);
    assertThat(Metric.CMAX_P50.of(document)).isEqualTo(3000);
    assertThat(Metric.M1_P95.of(document)).isEqualTo(2000);
  }

  @Test
  void runsThatWereCutOffAreComparedByTheirPlansAlone() {
    ObjectNode one = (ObjectNode) result(1000, 800, "1", 70);
    ObjectNode other = (ObjectNode) result(1000, 800, "1", 90);
    assertThat(Plans.same(one, other)).isFalse();
    ((ObjectNode) other.get("rows").get(1)).put("cut", true);
    assertThat(Plans.same(one, other)).isTrue();
    ((ObjectNode) other.at("/plans/plans/0")).put("splits", "2");
    assertThat(Plans.same(one, other)).isFalse();
  }

  private static List<Profile> parse(String yaml) {
    return ProfileFile.parse("p.yaml", yaml, MACHINE);
  }

  @Test
  void aGridIsEveryValueWithEveryOther() {
    List<Profile> profiles =
        parse(
            "profiles:\n- {name: g, purpose: p, expected: e, env: {TERNARY_I2S_SPLITS: [1, 2],"
                + " TERNARY_ENABLE_PDL: 0}, options: {layout: [t5_tiled, i2s_tiled]}}\n"
                + "- {name: t, purpose: p, expected: e, env: {TERNARY_NUM_THREADS: each}}\n");
    assertThat(profiles.stream().map(Profile::name))
        .containsExactly(
            "g_1_t5_tiled",
            "g_1_i2s_tiled",
            "g_2_t5_tiled",
            "g_2_i2s_tiled",
            "t_1",
            "t_2",
            "t_4",
            "t_6");
    assertThat(profiles.get(2).env())
        .containsOnly(Map.entry("TERNARY_I2S_SPLITS", "2"), Map.entry("TERNARY_ENABLE_PDL", "0"));
  }

  @Test
  void whatAFileGetsWrongIsNamed() {
    assertWrong("profiles: [", "p.yaml, line 1: ");
    assertWrong("profiles: []", "must be a list of profiles");
    assertWrong("profiles: [{name: 1x}]", "name is \"1x\"");
    assertWrong("profiles: [{name: a}]", "profile a: purpose is missing");
    assertWrong(
        "profiles: [{name: a, purpose: p, expected: e, env: {TERNARY_SPLITS: 1}}]",
        "no such knob: TERNARY_SPLITS");
    assertWrong(
        "profiles: [{name: a, purpose: p, expected: e, options: {mix: 1x1}}]",
        "no such option: mix");
    assertWrong("profiles: [{name: a, purpose: p, expected: e, speed: 9}]", "no such field: speed");
    assertWrong(
        "profiles: [{name: a, purpose: p, expected: e}, {name: A, purpose: p, expected: e}]",
        "two profiles are called A");
    assertThatThrownBy(() -> ProfileCheck.values(with("TERNARY_I2S_SPLITS", "65")))
        .hasMessageContaining("profile x: TERNARY_I2S_SPLITS is \"65\"");
    assertThatThrownBy(() -> ProfileCheck.values(with("TERNARY_MAX_ISA", "sse9")))
        .hasMessageContaining("sse9");
  }

  private static Profile with(String knob, String value) {
    return new Profile("x", "p", "e", Map.of(knob, value), Map.of());
  }

  private static void assertWrong(String yaml, String... parts) {
    assertThatThrownBy(() -> parse(yaml))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("p.yaml")
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @Test
  void whatIsBuiltInIsWhatTheIssueAskedFor() throws Exception {
    List<Profile> builtIn = ProfileFile.builtIn(MACHINE);
    assertThat(builtIn.stream().map(Profile::name))
        .startsWith("baseline")
        .contains(
            "decode_aggressive",
            "split1",
            "split2",
            "split4",
            "split8",
            "no_pdl",
            "no_fused_rmsnorm_qkv",
            "no_cutlass",
            "t5",
            "a16",
            "isa_portable",
            "threads_1");
  }
}
