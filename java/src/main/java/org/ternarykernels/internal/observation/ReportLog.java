package org.ternarykernels.internal.observation;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ternarykernels.binding.NativeLibraries;

/** Says where a report goes that is not written to the file which the setting names. */
public final class ReportLog {
  private static final Logger LOG = LoggerFactory.getLogger(Observation.LOGGER);

  private ReportLog() {}

  public static void say(String infoJson) {
    int copy = NativeLibraries.copy();
    if (copy == 1) {
      return;
    }
    String report = InfoJson.text(infoJson, "report");
    if (!report.isEmpty()) {
      LOG.info(
          "Class loader {} of this process with the library; its counters are reported to {}",
          copy,
          report);
    }
  }
}
