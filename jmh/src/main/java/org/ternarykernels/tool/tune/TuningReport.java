package org.ternarykernels.tool.tune;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.tool.output.TextTable;

/** What trials have given, for people, for JSON and for the file. */
public final class TuningReport {
  private final TuningFile builtIn;
  private final TuningTrials trials;

  /**
   * @param trials that have been run
   */
  public TuningReport(TuningFile builtIn, TuningTrials trials) {
    this.builtIn = builtIn;
    this.trials = trials;
  }

  /** Whether there is a value that the file could hold. */
  public boolean hasValues() {
    return !trials.measured().isEmpty();
  }

  /** The file's content: what is noisy or was not measured stays as built in. */
  public TuningFile file() {
    return builtIn.with(trials.measured());
  }

  /** What the comment of the file says of values that were not taken; empty if there are none. */
  public String comment() {
    return trials.noisy().isEmpty()
        ? ""
        : "; too noisy, so as built in: " + String.join(", ", trials.noisy().keySet());
  }

  /** A row a value. */
  public List<Map<String, Object>> rows() {
    TuningFile file = file();
    List<Map<String, Object>> rows = new ArrayList<>();
    builtIn
        .values()
        .forEach(
            (name, value) -> {
              Map<String, Object> row = new LinkedHashMap<>();
              row.put("name", name);
              row.put("built_in", value);
              row.put("value", file.value(name));
              row.put("measured", trials.measured().containsKey(name));
              row.put("noisy", trials.noisy().containsKey(name));
              row.put("noise", trials.noisy().get(name));
              row.put("how", trials.how(name));
              rows.add(row);
            });
    return rows;
  }

  /** The same to read. */
  public void print(TextTable table) {
    int name = builtIn.values().keySet().stream().mapToInt(String::length).max().orElse(0);
    table.left("value", name).right("built in", 12).right("here", 12).right("+-", 5).head();
    for (Map<String, Object> row : rows()) {
      Double noise = (Double) row.get("noise");
      table.row(
          row.get("name"),
          row.get("built_in"),
          noise != null ? "noisy" : (Boolean) row.get("measured") ? row.get("value") : null,
          noise == null ? null : String.format(Locale.ROOT, "%.0f %%", 100 * noise));
      table.note("    " + row.get("how"));
    }
    table.end();
    if (!trials.noisy().isEmpty()) {
      table.note(
          "noisy: +- is half of the widest 95 % interval, and above "
              + Math.round(100 * Noise.MOST)
              + " %; the built-in value stays. Run it again when the machine has nothing else to"
              + " do.");
    }
  }
}
