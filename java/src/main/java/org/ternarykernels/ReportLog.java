package org.ternarykernels;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ternarykernels.binding.NativeLibraries;
import org.ternarykernels.storage.Json;

/** Says where a report goes that is not written to the file which the setting names. */
final class ReportLog {
  private static final Logger LOG = LoggerFactory.getLogger(TernaryRuntime.class);

  private ReportLog() {}

  static void say(String infoJson) {
    int copy = NativeLibraries.copy();
    if (copy == 1) {
      return;
    }
    String report = report(infoJson);
    if (!report.isEmpty()) {
      LOG.info(
          "Class loader {} of this process with the library; its counters are reported to {}",
          copy,
          report);
    }
  }

  private static String report(String infoJson) {
    try (JsonParser parser = Json.FACTORY.createParser(infoJson)) {
      return TuningLog.member(parser, "report") ? parser.getText() : "";
    } catch (IOException e) {
      throw new TernaryException("the native info is no JSON: " + infoJson, e);
    }
  }
}
