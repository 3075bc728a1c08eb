package org.ternarykernels.tool.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GateFileTest {
  @Test
  void everyMemberIsRead() {
    List<Gate> gates =
        GateFile.parse(
            "g.yaml",
            """
            # a comment
            gates:
              - name: one
                metric: ns
                where: {op: linear, M: [1, 8], layout: null}
                max: 1_000.5
                ratio: {min: 0.5, max: 1e1}
              - {name: 2, metric: gbps, min: -1}
            """);
    Gate one = gates.get(0);
    assertThat(one.name()).isEqualTo("one");
    assertThat(one.line()).isEqualTo(3);
    assertThat(one.metric()).isEqualTo("ns");
    assertThat(one.value()).isEqualTo(new Bounds(null, 1000.5));
    assertThat(one.ratio()).isEqualTo(new Bounds(0.5, 10.0));
    assertThat(one.where().keySet()).containsExactly("op", "M", "layout");
    assertThat(gates.get(1).name()).isEqualTo("2");
    assertThat(gates.get(1).value()).isEqualTo(new Bounds(-1.0, null));
    assertThat(one.matches(Map.of("op", "LINEAR", "M", 8.0))).isTrue();
    assertThat(one.matches(Map.of("op", "linear", "M", "1"))).isTrue();
    assertThat(one.matches(Map.of("op", "linear", "M", 2))).isFalse();
    assertThat(one.matches(Map.of("op", "linear", "M", 1, "layout", "i2s"))).isFalse();
    assertThat(one.matches(Map.of("M", 1))).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''| line 1: there is no gate, must be at least one",
        "gates:| line 1: there is no gate",
        "gates: []| line 1: there is no gate",
        "# nothing| line 1: there is no gate",
        "{}| there is no gate",
        "gates: 3| line 1: gates is \"3\", must be a list",
        "[1]| the file is a list, must be a map",
        "gate: []| line 1: the file has \"gate\", which is not one of gates",
        "gates: [1]| a gate is \"1\", must be a map",
        "gates: [{metric: ns, max: 1}]| a gate has no name",
        "gates: [{name: a, max: 1}]| line 1: gate \"a\" has no metric",
        "gates: [{name: a, metric: [ns], max: 1}]| gate \"a\" has no metric but a list",
        "gates: [{name: a, metric: ns}]| gate \"a\" has no min, max or ratio, so it cannot fail",
        "gates: [{name: a, metric: ns, most: 1}]| has \"most\", which is not one of max, metric",
        "gates: [{name: a, metric: ns, max: soon}]| max of gate \"a\" is \"soon\", must be a"
            + " number",
        "gates: [{name: a, metric: ns, max: .nan}]| line 1: Malformed numeric value",
        "gates: [{name: a, metric: ns, max: 1.2.3}]| must be a number",
        "gates: [{name: a, metric: ns, min: 2, max: 1}]| gate \"a\" has min 2 above max 1",
        "gates: [{name: a, metric: ns, ratio: 2}]| ratio of gate \"a\" is \"2\", must be a map",
        "gates: [{name: a, metric: ns, ratio: {}}]| has neither min nor max",
        "gates: [{name: a, metric: ns, ratio: {min: 2, max: 1}}]| ratio of gate \"a\" has min 2",
        "gates: [{name: a, metric: ns, ratio: {most: 2}}]| which is not one of max, min",
        "gates: [{name: a, metric: ns, max: 1, where: M}]| where of gate \"a\" is \"M\"",
        "gates: [{name: a, metric: ns, max: 1, where: {M: []}}]| M of gate \"a\" is an empty list",
        "gates: [{name: a, metric: ns, max: 1, where: {M: [[1]]}}]| must be a value or a list",
        "gates: [{name: a, metric: ns, max: *b}]| *b is an alias",
      })
  void whatIsWrongIsOneSentence(String text, String sentence) {
    assertThatThrownBy(() -> GateFile.parse("g.yaml", text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("g.yaml, line ")
        .hasMessageContaining(sentence)
        .message()
        .doesNotContain("\n");
  }

  @Test
  void whatIsNoYamlIsNamedWithItsLine() {
    assertThatThrownBy(() -> GateFile.parse("g.yaml", "gates:\n  - {name: a, metric: ns\n"))
        .hasMessageMatching("g.yaml, line [23]: .*expected ',' or '}'.*");
    assertThatThrownBy(() -> GateFile.parse("g.yaml", "gates:\n\t- a\n"))
        .hasMessageStartingWith("g.yaml, line 2: ");
    assertThatThrownBy(
            () -> GateFile.parse("g.yaml", "gates:\n- {name: a, metric: b, metric: c, max: 1}"))
        .hasMessageMatching("g.yaml, line 2: .*[Dd]uplicate.*metric.*");
    assertThatThrownBy(
            () ->
                GateFile.parse(
                    "g.yaml",
                    "gates:\n- {name: a, metric: b, max: 1}\n- {name: a, metric: c, max: 1}"))
        .hasMessage("g.yaml, line 3: a second gate has the name \"a\"");
    assertThatThrownBy(
            () -> GateFile.parse("g.yaml", "gates: [{name: a, metric: b, max: 1}]\n---\n{}"))
        .hasMessageContaining("a second document begins");
  }
}
