package org.ternarykernels.tool.rival;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/**
 * The other side of a {@link RivalServer}: answers a request a line. An answer follows {@link
 * #MARK}; whatever else the process prints is for people. The mark need not begin a line: what the
 * rival's own code has printed may lack its end.
 */
public final class RivalAnswers {
  static final String MARK = "the rival answers:\t";
  static final String NO = "no\t";

  /** The answer of a request that was done. */
  public static final String OK = "ok";

  private RivalAnswers() {}

  /** The answer of a request that cannot be done. */
  public static String no(String reason) {
    return NO + reason;
  }

  /** Serves until the input ends; a library that does not load ends the process. */
  public static void serve(Function<String[], String> answer) throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        String text = answer.apply(line.split(" ")).replaceAll("\\s*\\R\\s*", " ");
        System.out.println(MARK + text);
        System.out.flush();
      }
    } catch (LinkageError e) {
      System.out.println("does not load: " + e.getMessage());
      System.exit(1);
    }
  }
}
