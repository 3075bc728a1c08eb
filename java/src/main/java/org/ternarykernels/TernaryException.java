package org.ternarykernels;

/**
 * The library cannot do what was asked although the arguments are in order: no kernel serves the
 * problem, memory or a thread could not be had, a device failed, or the native libraries cannot be
 * loaded here.
 */
public class TernaryException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message one sentence with what was wrong, the value and the rule
   */
  public TernaryException(String message) {
    super(message);
  }

  /**
   * Creates an exception with a cause.
   *
   * @param message one sentence with what was wrong, the value and the rule
   * @param cause what led to it
   */
  public TernaryException(String message, Throwable cause) {
    super(message, cause);
  }
}
