package org.ternarykernels.tool.output;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;

/** The one line of a terminal that is written over and over. */
final class ProgressLine {
  private static final String TO_THE_LEFT_AND_ERASE = "\r\033[K";
  private static final FileOutputStream TERMINAL = new FileOutputStream(FileDescriptor.err);
  private static boolean shown;

  private ProgressLine() {}

  static synchronized void show(String text) {
    write(TO_THE_LEFT_AND_ERASE + text);
    shown = true;
  }

  /** Takes it off the screen, if it is there. */
  static synchronized void hide() {
    if (shown) {
      write(TO_THE_LEFT_AND_ERASE);
      shown = false;
    }
  }

  private static void write(String text) {
    try {
      TERMINAL.write(text.getBytes(Charset.defaultCharset()));
    } catch (IOException e) {
      // the terminal has gone: nobody looks
    }
  }
}
