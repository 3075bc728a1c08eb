package org.ternarykernels.tool.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.ternarykernels.tool.output.RunFolder;

/** Every row of every run in one table. */
final class MergedRows {
  private MergedRows() {}

  /** As CSV: the run's name, its command, and every column that some row has. */
  static String csv(List<Run> runs) throws IOException {
    Set<String> columns = new LinkedHashSet<>(List.of("run", "command"));
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Run run : runs) {
      for (JsonNode row : run.rows()) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("run", run.name());
        line.put("command", run.command());
        row.fields().forEachRemaining(field -> line.put(field.getKey(), value(field.getValue())));
        columns.addAll(line.keySet());
        rows.add(line);
      }
    }
    return RunFolder.csv(List.copyOf(columns), rows);
  }

  private static Object value(JsonNode value) {
    if (value.isNull()) {
      return null;
    }
    if (value.isNumber()) {
      return value.numberValue();
    }
    return value.isTextual() ? value.asText() : value.toString();
  }
}
