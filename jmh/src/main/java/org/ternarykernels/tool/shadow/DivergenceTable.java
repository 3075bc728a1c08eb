package org.ternarykernels.tool.shadow;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;

/** Divergences by path and shape, the worst first. */
final class DivergenceTable {
  /** Columns of the groups. */
  static final List<String> COLUMNS =
      List.of(
          "path",
          "by",
          "op",
          "M",
          "N",
          "K",
          "calls",
          "different",
          "elements",
          "max_abs",
          "max_rel",
          "worst_row");

  private record Kind(String path, String by, String op, long m, long n, long k) {
    static Kind of(Divergence row) {
      return new Kind(row.path(), row.by(), row.op(), row.m(), row.n(), row.k());
    }
  }

  private final List<Divergence> worst;

  DivergenceTable(List<Divergence> rows) {
    worst = new ArrayList<>(rows);
    worst.sort(Comparator.comparingDouble(Divergence::badness).reversed());
  }

  /** The rows, the worst first. */
  List<Divergence> worst() {
    return worst;
  }

  /** One group for each path and shape. */
  List<Map<String, Object>> groups() {
    Map<Kind, List<Divergence>> kinds = new LinkedHashMap<>();
    worst.forEach(row -> kinds.computeIfAbsent(Kind.of(row), kind -> new ArrayList<>()).add(row));
    return kinds.entrySet().stream().map(e -> group(e.getKey(), e.getValue())).toList();
  }

  private static Map<String, Object> group(Kind kind, List<Divergence> rows) {
    Map<String, Object> group = new LinkedHashMap<>();
    group.put("path", kind.path);
    group.put("by", kind.by);
    group.put("op", kind.op);
    group.put("M", kind.m);
    group.put("N", kind.n);
    group.put("K", kind.k);
    group.put("calls", rows.size());
    group.put("different", rows.stream().mapToLong(Divergence::different).sum());
    group.put("elements", rows.stream().mapToLong(Divergence::elements).sum());
    group.put("max_abs", largest(rows.stream().map(Divergence::maxAbs).toList()));
    group.put("max_rel", largest(rows.stream().map(Divergence::maxRel).toList()));
    group.put("worst_row", rows.get(0).worstRow());
    return group;
  }

  /** Null where one is. */
  private static Double largest(List<Double> values) {
    return values.stream().anyMatch(Objects::isNull)
        ? null
        : values.stream().mapToDouble(Double::doubleValue).max().orElse(0);
  }

  /** Prints the groups. */
  String printGroups(Screen screen) {
    TextTable table = table(screen, "calls");
    for (Map<String, Object> group : groups()) {
      line(table, group, group.get("calls"));
    }
    table.end();
    return groups().isEmpty() ? "" : table.text();
  }

  /** Prints the worst calls. */
  String printWorst(Screen screen, int top) {
    TextTable table = table(screen, "row");
    worst.stream().limit(top).forEach(row -> line(table, row.json(), row.worstRow()));
    table.end();
    return worst.isEmpty() ? "" : table.text();
  }

  private static TextTable table(Screen screen, String last) {
    return screen
        .table()
        .left("path", 41)
        .right("M", 4)
        .right("N x K", 11)
        .right(last, 5)
        .right("max_rel", 8)
        .right("differ", 8)
        .left("by", 10)
        .right("max_abs", 9);
  }

  private static void line(TextTable table, Map<String, Object> row, Object last) {
    table.row(
        row.get("path"),
        row.get("M"),
        row.get("N") + "x" + row.get("K"),
        last,
        number(row.get("max_rel")),
        row.get("different"),
        row.get("by"),
        number(row.get("max_abs")));
  }

  private static String number(Object value) {
    String text = TextTable.number("%.3g", value, 1);
    return text == null ? "none" : text;
  }
}
