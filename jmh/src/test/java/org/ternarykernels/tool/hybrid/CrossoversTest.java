package org.ternarykernels.tool.hybrid;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ternarykernels.tool.measure.MedianInterval;
import org.ternarykernels.tool.problem.Shape;

/** Tables of known times. */
class CrossoversTest {
  private final List<Map<String, Object>> rows = new ArrayList<>();

  private static MedianInterval about(double value, double error) {
    return new MedianInterval(value, value - error, value + error, 0.95, 7);
  }

  private static Place place(String shape, int m, double ternary, double dense, double error) {
    return new Place(
        new Shape(64, 32, shape),
        m,
        about(ternary, 0),
        about(dense, 0),
        about(dense / ternary, error),
        null,
        "t",
        "d",
        null);
  }

  private void add(String shape, int m, double ternary, double dense) {
    rows.add(place(shape, m, ternary, dense, 0.01).json());
  }

  @Test
  void theWinnerIsWhomTheIntervalOfTheRatioLeaves() {
    assertThat(place("o", 1, 10, 20, 0.5).winner()).isEqualTo("ternary");
    assertThat(place("o", 1, 20, 10, 0.4).winner()).isEqualTo("dense");
    assertThat(place("o", 1, 20, 10, 0.5).winner()).as("1 is in it").isEqualTo("same");
    assertThat(place("o", 1, 10, 11, 0.2).winner()).isEqualTo("same");
    assertThat(place("o", 1, 10, 20, 0.5).json())
        .containsEntry("ternary_ns", 10.0)
        .containsEntry("dense_ns", 20.0)
        .containsEntry("ratio", 2.0)
        .containsEntry("ratio_low", 1.5)
        .containsEntry("ratio_high", 2.5)
        .containsEntry("model", null);
  }

  @Test
  void aCrossoverIsWhereDenseWinsAndKeepsWinning() {
    add("a", 1, 10, 20);
    add("a", 8, 20, 10); // once, by chance
    add("a", 16, 10, 20);
    add("a", 32, 20, 10);
    add("a", 64, 20, 10);
    add("b", 1, 10, 20);
    add("b", 64, 10, 10);
    Crossovers crossovers = new Crossovers(rows, 1, null);
    assertThat(crossovers.byShape())
        .extracting(one -> Arrays.asList(one.get("shape"), one.get("from_m")))
        .containsExactly(Arrays.asList("a", 32), Arrays.asList("b", null));
    assertThat(crossovers.counts()).containsEntry("ternary", 3L).containsEntry("dense", 3L);
  }

  @Test
  void theThresholdIsOfAStepThroughAllShapes() {
    add("o", 8, 10, 30);
    add("o", 32, 40, 30); // 10 slower, in each of 3 blocks
    add("lm_head", 8, 100, 200);
    add("lm_head", 32, 100, 125); // 25 faster, once
    add("o", 64, 80, 40);
    assertThat(new Crossovers(rows, 2, null).threshold()).as("20 against 25").isZero();
    assertThat(new Crossovers(rows, 3, null).threshold()).as("30 against 25").isEqualTo(31);
    assertThat(new Crossovers(rows, 3, null).sums().keySet())
        .as("64 has not all shapes")
        .containsExactly(8, 32);
  }

  @Test
  void withoutComparisonsThereIsNoThreshold() {
    rows.add(
        new Place(new Shape(64, 32, "o"), 1, about(10, 0), null, null, 5.0, "t", "none", null)
            .json());
    Crossovers crossovers = new Crossovers(rows, 1, null);
    assertThat(crossovers.threshold()).isNull();
    assertThat(crossovers.counts()).containsEntry("ternary", 0L);
    add("o", 2, 20, 10);
    assertThat(new Crossovers(rows, 1, null).threshold()).isEqualTo(1);
  }

  @Test
  void theCostModelDisagreesWhereItsTimeWouldChangeTheWinner() {
    MedianInterval slow = about(20, 0);
    MedianInterval fast = about(10, 0);
    Shape o = new Shape(64, 32, "o");
    rows.add(new Place(o, 1, fast, slow, about(2, 0.1), 12.0, "t", "d", null).json());
    rows.add(new Place(o, 2, fast, slow, about(2, 0.1), 21.0, "t", "d", null).json());
    rows.add(new Place(o, 4, slow, fast, about(0.5, 0.1), 9.0, "t", "d", null).json());
    rows.add(new Place(o, 8, slow, fast, about(0.5, 0.6), 9.0, "t", "d", null).json());
    assertThat(new Crossovers(rows, 1, null).disagreements())
        .containsExactly(
            Map.of("shape", "o", "M", 2, "measured", "ternary", "model", "dense"),
            Map.of("shape", "o", "M", 4, "measured", "dense", "model", "ternary"));
  }

  @Test
  void theSettingsFileSaysWhatWasCompared() {
    add("o", 8, 10_000, 30_000);
    add("o", 32, 40_000, 30_000);
    assertThat(new Crossovers(rows, 2, null).settings("by\na test"))
        .isEqualTo(
            """
            # by?a test
            # o: dense wins from M = 32
            # M = 8, all shapes: ternary 20.0 us, dense 60.0 us
            # M = 32, all shapes: ternary 80.0 us, dense 60.0 us
            # Rows beyond which dense products serve; 0 is never. GPUs use it, CPUs check it.
            TERNARY_PREFILL_SKIP_M=31
            """);
    assertThat(new Crossovers(rows, 2, Side.DENSE).settings("a test"))
        .isEqualTo(
            """
            # a test
            # forced to dense, not compared
            # Rows beyond which dense products serve; 0 is never. GPUs use it, CPUs check it.
            TERNARY_PREFILL_SKIP_M=1
            """);
  }

  @Test
  void aForcedSideIsDeclared() {
    add("o", 8, 10, 30);
    Crossovers forced = new Crossovers(rows, 1, Side.DENSE);
    assertThat(forced.counts()).containsEntry("ternary", 0L).containsEntry("dense", 1L);
    assertThat(forced.threshold()).isEqualTo(1);
    assertThat(new Crossovers(rows, 1, Side.TERNARY).threshold()).isZero();
  }

  @Test
  void aWrongResultWinsNothing() {
    Place wrong =
        new Place(
            new Shape(64, 32, "o"),
            1,
            about(10, 0),
            about(20, 0),
            about(2, 0.1),
            null,
            "t",
            "d",
            "row 0 differs");
    assertThat(wrong.winner()).isNull();
    assertThat(wrong.json()).containsEntry("error", "row 0 differs");
  }
}
