package org.ternarykernels;

/**
 * One measurement of a limit of the machine.
 *
 * @param kernel the loop that measured, for example {@code read_8x32__avx2}
 * @param amount bytes read, or operations made: two a multiply-add
 * @param nanos from the moment when all threads were ready to the end of the last
 */
public record LimitMeasurement(String kernel, long amount, long nanos) {
  /**
   * The rate.
   *
   * @return GB/s, or GOPS
   */
  public double gigaPerSecond() {
    return (double) amount / nanos;
  }
}
