package org.ternarykernels.tool.load;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Lengths of prompts and how often each is drawn.
 *
 * @param parts at least one
 */
public record PromptMix(List<Part> parts) {
  private static final Pattern PART = Pattern.compile("([1-9]\\d{0,5})x([1-9]\\d{0,6})");

  /**
   * Prompts of one length.
   *
   * @param weight how often it is drawn, beside the other weights
   * @param tokens of the prompt
   */
  public record Part(int weight, int tokens) {}

  /**
   * Reads {@code 30x64,50x256,20x1024}: of a hundred prompts 30 have 64 tokens, and so on.
   *
   * @throws IllegalArgumentException if it is no such list
   */
  public static PromptMix parse(String text) {
    List<Part> parts = new ArrayList<>();
    for (String word : text.split(",", -1)) {
      Matcher part = PART.matcher(word.strip());
      if (!part.matches()) {
        throw new IllegalArgumentException(
            "\"" + word + "\" is no WEIGHTxTOKENS of whole numbers from 1, as 30x64,70x256");
      }
      parts.add(new Part(Integer.parseInt(part.group(1)), Integer.parseInt(part.group(2))));
    }
    return new PromptMix(List.copyOf(parts));
  }

  /** The next prompt's tokens. */
  int draw(SplittableRandom random) {
    int at = random.nextInt(parts.stream().mapToInt(Part::weight).sum());
    for (Part part : parts) {
      at -= part.weight();
      if (at < 0) {
        return part.tokens();
      }
    }
    throw new IllegalStateException("a draw lies below the sum of weights");
  }

  /** Tokens of the longest prompt. */
  public int longest() {
    return parts.stream().mapToInt(Part::tokens).max().orElse(0);
  }

  @Override
  public String toString() {
    return parts.stream()
        .map(part -> part.weight() + "x" + part.tokens())
        .collect(Collectors.joining(","));
  }
}
