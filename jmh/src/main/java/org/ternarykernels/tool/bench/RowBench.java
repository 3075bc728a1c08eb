package org.ternarykernels.tool.bench;

import java.util.List;
import java.util.Map;

/** A benchmark that goes from row to row. */
public interface RowBench {
  /** What will be measured: of each row the fields that say so. */
  List<Map<String, Object>> planned();

  /**
   * Measures what the sink does not have yet.
   *
   * @return whether all results were right
   */
  boolean run(RowSink sink);
}
