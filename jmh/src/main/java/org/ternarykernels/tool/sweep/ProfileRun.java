package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;

/** Runs the load under a profile. */
interface ProfileRun {
  /**
   * What came of a run.
   *
   * @param document the result of {@code load}, or null if it failed
   * @param why it failed; empty if it did not
   */
  record Outcome(JsonNode document, String why, double seconds) {}

  /**
   * Runs one to its end.
   *
   * @param tick called a few times a second
   * @throws IOException if its log cannot be written
   */
  Outcome run(PlannedRun run, Runnable tick) throws IOException;

  /** What an earlier run of the same sweep gave; null if it gave nothing. */
  JsonNode earlier(PlannedRun run) throws IOException;
}
