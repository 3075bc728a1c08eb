package org.ternarykernels.tool.report;

import java.util.List;

/** What the page says of the runs of one command. */
interface Section {
  /** The command. */
  String command();

  /** Its part of the page, without a heading. */
  String of(List<Run> runs);
}
