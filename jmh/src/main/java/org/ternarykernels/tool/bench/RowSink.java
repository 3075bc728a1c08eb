package org.ternarykernels.tool.bench;

import java.util.Map;

/** Where the rows of a benchmark go as they are measured, and where those of an earlier run are. */
public interface RowSink {
  /** Is told what is measured next. */
  void next(String what);

  /**
   * What an earlier run has measured, which is not measured again.
   *
   * @param planned the fields that say what is to be measured
   * @return the whole row, or null
   */
  Map<String, Object> finished(Map<String, Object> planned);

  /** Takes a row that is finished, be it measured now or before. */
  void add(Map<String, Object> row);
}
