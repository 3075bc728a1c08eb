package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.ternarykernels.internal.RuntimeSettings;

/** Java's closed sets and settings are those of the lists that the natives are built from. */
class ClosedSetsTest {
  private static String nativeSource(String file) throws IOException {
    return Files.readString(Path.of(System.getProperty("test.data"), "..", "native", file));
  }

  /** The rows of a list by the pattern of one; there is at least one. */
  private static List<MatchResult> rows(String file, String pattern) throws IOException {
    List<MatchResult> rows =
        Pattern.compile(pattern, Pattern.MULTILINE).matcher(nativeSource(file)).results().toList();
    assertThat(rows).as("%s has rows %s", file, pattern).isNotEmpty();
    return rows;
  }

  /** The members of an enum of ternary.h without their prefix, and their values. */
  private static Map<String, Integer> membersOf(String type, String prefix) throws IOException {
    String header = nativeSource("include/ternary/ternary.h");
    int begin = header.indexOf("typedef enum " + type + " {");
    assertThat(begin).as(type).isPositive();
    String body = header.substring(begin, header.indexOf("} " + type + ";"));
    Map<String, Integer> members = new LinkedHashMap<>();
    Pattern.compile("^ *" + prefix + "(\\w+) = (\\d+)", Pattern.MULTILINE)
        .matcher(body)
        .results()
        .forEach(member -> members.put(member.group(1), Integer.valueOf(member.group(2))));
    return members;
  }

  private static <E extends Enum<E>> void assertSame(
      Class<E> java, ToIntFunction<E> code, String type, String prefix) throws IOException {
    assertSame(java, code, membersOf(type, prefix), type);
  }

  private static <E extends Enum<E>> void assertSame(
      Class<E> java, ToIntFunction<E> code, Map<String, Integer> there, String type) {
    Map<String, Integer> here = new LinkedHashMap<>();
    for (E constant : java.getEnumConstants()) {
      here.put(constant.name(), code.applyAsInt(constant));
    }
    assertThat(here).as(type).isEqualTo(there);
  }

  @Test
  void enumsAreThoseOfTheHeader() throws IOException {
    assertSame(Layout.class, layout -> layout.code, "ternary_layout", "TERNARY_LAYOUT_");
    Map<String, Integer> types = new LinkedHashMap<>(membersOf("ternary_dtype", "TERNARY_"));
    types.put("I32", -1); // Java's alone
    assertSame(DataType.class, type -> type.code, types, "ternary_dtype");
    assertThat(Map.of("A8", Activation.A8.code, "A16", Activation.A16.code))
        .isEqualTo(membersOf("ternary_activation", "TERNARY_"));
    assertSame(GateOrder.class, order -> order.code, "ternary_gate_order", "TERNARY_");
    assertSame(GateFunction.class, f -> f.code, "ternary_gate_function", "TERNARY_");
    assertSame(RouteMethod.class, method -> method.code, "ternary_route_method", "TERNARY_");
    assertSame(GroupScore.class, s -> s.code, "ternary_group_score", "TERNARY_GROUP_");
    assertSame(AlphaKind.class, kind -> kind.code, "ternary_alpha_kind", "TERNARY_ALPHA_");
    assertSame(Limit.class, limit -> limit.code, "ternary_limit", "TERNARY_LIMIT_");
  }

  @Test
  void instructionSetsAreThoseOfTheList() throws IOException {
    List<String> names = new ArrayList<>();
    rows("abi/isas.inc", "^ISA\\((\\w+),").forEach(row -> names.add(row.group(1)));
    assertThat(Arrays.stream(Isa.values()).map(Isa::id)).containsExactlyElementsOf(names);
  }

  @Test
  void layoutsHaveTheTilesOfTheList() throws IOException {
    List<MatchResult> rows =
        rows("abi/layouts.inc", "^LAYOUT\\((\\w+),.*, (\\d+), (\\d+), (\\d+)\\)$");
    assertThat(rows).hasSameSizeAs(Layout.values());
    for (MatchResult row : rows) {
      Layout layout = Layout.valueOf(row.group(1));
      long rowsOfTile = Long.parseLong(row.group(2));
      long columns = Long.parseLong(row.group(3));
      long bytes = Long.parseLong(row.group(4));
      assertThat(layout.bytes(rowsOfTile, columns)).as("%s", layout).isEqualTo(bytes);
      assertThat(layout.bytes(rowsOfTile + 1, columns)).as("%s", layout).isEqualTo(2 * bytes);
      assertThat(layout.bytes(rowsOfTile, columns + 1)).as("%s", layout).isEqualTo(2 * bytes);
    }
  }

  @Test
  void dataTypesHaveTheSizesOfTheList() throws IOException {
    Map<String, Integer> sizes = Map.of("float", 4, "uint16_t", 2, "uint8_t", 1, "int8_t", 1);
    List<MatchResult> rows = rows("abi/dtypes.inc", "^DTYPE\\((\\w+), (\\w+),");
    assertThat(rows).hasSize(DataType.values().length - 1); // I32 is Java's alone
    for (MatchResult row : rows) {
      assertThat(DataType.valueOf(row.group(1)).bytes()).isEqualTo(sizes.get(row.group(2)));
    }
  }

  @Test
  void settingsAreThoseOfTheList() throws IOException {
    List<String> names = new ArrayList<>();
    rows("core/policy/knobs.inc", "^KNOB\\(.*\"(TERNARY_\\w+)\"")
        .forEach(row -> names.add(row.group(1)));
    assertThat(RuntimeSettings.NAMES).containsExactlyElementsOf(names);
  }
}
