package org.ternarykernels.internal;

import org.ternarykernels.TernaryException;
import org.ternarykernels.binding.Ternary;

/** Turns the outcome of a native call into an exception. */
public final class Status {
  private Status() {}

  /**
   * Throws unless the outcome is a success. Must follow its call at once: the sentence belongs to
   * the native thread.
   */
  public static void check(int status) {
    if (status != Ternary.TERNARY_OK) {
      throw exception(status, NativeMemory.string(Ternary.ternary_last_error()));
    }
  }

  public static RuntimeException exception(int status, String sentence) {
    return switch (status) {
      case Ternary.TERNARY_INVALID_ARGUMENT -> new IllegalArgumentException(sentence);
      case Ternary.TERNARY_ILLEGAL_STATE -> new IllegalStateException(sentence);
      default -> new TernaryException(sentence);
    };
  }
}
