package org.ternarykernels.tool.problem;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** A weight matrix of a shape file: {@code N K [name]} a line, {@code #} starts a comment. */
public record Shape(int n, int k, String name) {
  /**
   * A shape by what people call it.
   *
   * @param text {@code bitnet-2b-4t/qkv}, a bundled shape file and a name in it, or {@code
   *     2560x768}
   * @return the shape
   */
  public static Shape named(String text) throws IOException {
    if (text.matches("\\d+x\\d+")) {
      return parse("shape", text.replace('x', ' ')).get(0);
    }
    String[] words = text.split("/", 2);
    try (BundledData data = new BundledData(null)) {
      return data.shapes(words[0]).stream()
          .filter(shape -> words.length > 1 && shape.name().equals(words[1]))
          .findFirst()
          .orElseThrow(() -> new IllegalArgumentException("no shape is named " + text));
    }
  }

  /**
   * @param file named in errors
   */
  public static List<Shape> parse(String file, String text) {
    List<Shape> shapes = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      String content = line.replaceFirst("#.*", "").strip();
      if (content.isEmpty()) {
        continue;
      }
      String[] words = content.split("\\s+", 3);
      try {
        int n = Integer.parseInt(words[0]);
        int k = Integer.parseInt(words[1]);
        if (n < 1 || k < 1) {
          throw new NumberFormatException();
        }
        shapes.add(new Shape(n, k, words.length > 2 ? words[2] : n + "x" + k));
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        throw new IllegalArgumentException(
            file
                + ", line "
                + number
                + ": \""
                + content
                + "\" is no \"N K [name]\" with N and K from 1");
      }
    }
    if (shapes.isEmpty()) {
      throw new IllegalArgumentException(file + " has no shape; expected lines \"N K [name]\"");
    }
    return shapes;
  }
}
