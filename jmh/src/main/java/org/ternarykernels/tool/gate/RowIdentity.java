package org.ternarykernels.tool.gate;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Which row is the same in another run: by the columns that say what was measured.
 *
 * @param columns not of what came out
 */
record RowIdentity(List<String> columns) {
  /** For example {@code op=linear M=1}; columns that a row does not have are left out. */
  String text(Map<String, ?> row) {
    return text(row, columns);
  }

  static String text(Map<String, ?> row, List<String> columns) {
    return columns.stream()
        .filter(column -> row.get(column) != null)
        .map(column -> column + "=" + Gate.plain(row.get(column)))
        .collect(Collectors.joining(" "));
  }

  /** The columns in which some of these rows differ; all where none do. */
  List<String> differing(List<? extends Map<String, ?>> rows) {
    List<String> differing =
        columns.stream()
            .filter(
                column ->
                    rows.stream().map(row -> String.valueOf(row.get(column))).distinct().count()
                        > 1)
            .toList();
    return differing.isEmpty() ? columns : differing;
  }
}
