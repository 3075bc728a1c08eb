package org.ternarykernels.tool.output;

import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The document of {@code --json}: of which command it is, how long that took, and its rows. */
public final class ResultDocument {
  private final long begin = System.nanoTime();
  private final Map<String, Object> json = new LinkedHashMap<>();
  private final List<Map<String, Object>> rows = new ArrayList<>();

  /**
   * Begins one that is not complete.
   *
   * @param command its name, or what was typed
   */
  public ResultDocument(String command) {
    json.put("date", LocalDate.now(ZoneOffset.UTC).toString());
    json.put("command", command);
    json.put("complete", false);
    json.put("seconds", 0.0);
  }

  /** All members so far; the caller adds its own. */
  public Map<String, Object> json() {
    return json;
  }

  /** The rows so far; the caller adds to them. */
  public List<Map<String, Object>> rows() {
    return rows;
  }

  /** Seconds since it was begun. */
  public double seconds() {
    return (System.nanoTime() - begin) / 1e9;
  }

  /**
   * Puts the time and the rows of this moment into the document.
   *
   * @param complete whether nothing more will come
   */
  public void update(boolean complete) {
    json.put("complete", complete);
    json.put("seconds", seconds());
    json.put("rows", rows);
  }
}
