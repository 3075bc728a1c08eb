package org.ternarykernels.tool.gate;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Which row is the same in another run: by the columns that say what was measured.
 *
 * @param columns not of what came out
 */
public record RowIdentity(List<String> columns) {
  /** For example {@code op=linear M=1}; columns that a row does not have are left out. */
  public String text(Map<String, ?> row) {
    return text(row, columns);
  }

  static String text(Map<String, ?> row, List<String> columns) {
    return columns.stream()
        .filter(column -> row.get(column) != null)
        .map(column -> column + "=" + Gate.plain(row.get(column)))
        .collect(Collectors.joining(" "));
  }

  /** The first columns that tell these rows apart; all where none does. */
  List<String> differing(List<? extends Map<String, ?>> rows) {
    List<String> differing = new ArrayList<>();
    long told = 1;
    for (String column : columns) {
      List<String> more = new ArrayList<>(differing);
      more.add(column);
      long now = rows.stream().map(row -> text(row, more)).distinct().count();
      if (now > told) {
        differing = more;
        told = now;
      }
    }
    return differing.isEmpty() ? columns : differing;
  }
}
