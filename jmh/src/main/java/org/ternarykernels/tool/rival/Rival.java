package org.ternarykernels.tool.rival;

import java.util.function.Supplier;
import org.ternarykernels.tool.measure.Interleaved;

/**
 * A product that is ready to be timed beside ours, or the reason why there is none.
 *
 * @param what runs, as in results; null if there is none
 * @param threads that it uses
 * @param reason why there is none, else null
 * @param contender null if there is none
 * @param failure gives why it does not answer any more, or null while it does
 */
public record Rival(
    String what,
    int threads,
    String reason,
    Interleaved.Contender contender,
    Supplier<String> failure) {

  /** None, for a reason. */
  public static Rival missing(String reason) {
    return new Rival(null, 0, reason, null, () -> reason);
  }

  public boolean present() {
    return contender != null;
  }
}
