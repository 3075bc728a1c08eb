package org.ternarykernels.internal;

/**
 * Stack for what must not fail half-way: giving back what a call has acquired, and owning what
 * native code has made. A {@code StackOverflowError} strikes here, before anything is acquired, or
 * not at all.
 *
 * <p>The JVM checks for room at every method's entry, so it suffices to have been deeper once.
 * Recursion with many live arguments takes about 150 bytes a level, compiled or interpreted.
 */
public final class StackReserve {
  /**
   * With 6, two of four runs of the test program {@code DeepStack 100} lose a user of a handle,
   * with 9 none of four. 12 take about 24 ns.
   */
  private static final int CALL_LEVELS = 12;

  /** More than registering an object with the cleaner takes there. */
  private static final int CREATION_LEVELS = 128;

  private StackReserve() {}

  /** Before handles are acquired. */
  public static void forCall() {
    descend(CALL_LEVELS, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  /** Before native code makes what an object will own. */
  public static void forCreation() {
    descend(CREATION_LEVELS, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  private static long descend(
      int levels, long a, long b, long c, long d, long e, long f, long g, long h) {
    if (levels == 0) {
      return a;
    }
    long deepest = descend(levels - 1, h, a, b, c, d, e, f, g);
    return deepest + a + b + c + d + e + f + g + h; // all live across the call
  }
}
