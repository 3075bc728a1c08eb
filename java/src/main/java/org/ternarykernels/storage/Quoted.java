package org.ternarykernels.storage;

/** A caller's text inside a sentence: short, and on one line. */
public final class Quoted {
  private static final int MOST = 100;

  private Quoted() {}

  /**
   * A text in quotation marks.
   *
   * @param text of any length and content
   * @return its beginning, at most 100 characters, with control characters as question marks
   */
  public static String of(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    int end = Math.min(text.length(), MOST);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      quoted.append(Character.isISOControl(c) ? '?' : c);
    }
    if (end < text.length()) {
      quoted.append("... (").append(text.length()).append(" characters)");
    }
    return quoted.append('"').toString();
  }
}
