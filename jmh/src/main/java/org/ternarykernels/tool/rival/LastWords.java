package org.ternarykernels.tool.rival;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a process said before it ended: its last line, or of the report that a JVM prints when
 * native code crashes the signal and the function. Written by the thread that reads, read by
 * another.
 */
final class LastWords {
  private static final Pattern SIGNAL = Pattern.compile("#\\s+(SIG[A-Z]+)\\b.*");
  private static final Pattern FRAME = Pattern.compile("#\\s+[A-Za-z]\\s+(\\[.*)");

  private String line;
  private String signal;
  private String frame;

  synchronized void add(String text) {
    Matcher signalLine = SIGNAL.matcher(text);
    Matcher frameLine = FRAME.matcher(text);
    if (signalLine.matches()) {
      signal = signalLine.group(1);
    } else if (frameLine.matches()) {
      frame = frameLine.group(1).replaceAll("\\s+", " ");
    } else if (!text.isBlank() && !text.startsWith("#")) {
      line = text.strip();
    }
  }

  /**
   * @param exitCode of the process
   */
  synchronized String sentence(int exitCode) {
    if (signal != null) {
      return "crashed by " + signal + (frame == null ? "" : " in " + frame);
    }
    return line != null ? line : "its process said nothing and ended with exit code " + exitCode;
  }
}
