package org.ternarykernels.tool.report;

/** Text of a page, in which what is said means nothing but itself. */
final class Html {
  private final StringBuilder text = new StringBuilder();

  /** Markup as it is. */
  Html raw(String markup) {
    text.append(markup);
    return this;
  }

  /** What is read, whatever its characters. */
  Html text(Object said) {
    text.append(escape(said));
    return this;
  }

  /** An element with nothing but text in it. */
  Html element(String name, Object said) {
    return raw("<" + name + ">").text(said).raw("</" + name + ">\n");
  }

  /** An element of a class with nothing but text in it. */
  Html element(String name, String cssClass, Object said) {
    return raw("<" + name + " class=\"" + cssClass + "\">").text(said).raw("</" + name + ">\n");
  }

  static String escape(Object said) {
    return String.valueOf(said)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
