package org.ternarykernels.tool.load;

/**
 * What users do.
 *
 * @param users texts in work at once; others wait
 * @param requests texts in all
 * @param mix of their prompts
 * @param newTokens that each gets
 * @param rate requests a second that arrive whatever becomes of those before; 0: a user sends the
 *     next when the last is answered
 * @param hold whether all users begin at once; else one a millisecond
 * @param seconds after which nothing new is begun and what is in work is given up
 * @param seed of prompts
 */
public record LoadPlan(
    int users,
    int requests,
    PromptMix mix,
    int newTokens,
    double rate,
    boolean hold,
    double seconds,
    long seed) {

  /** The same with so many users, and requests in proportion. */
  public LoadPlan of(int count, int requestsOfAll) {
    return new LoadPlan(count, requestsOfAll, mix, newTokens, rate, hold, seconds, seed);
  }

  /** Whether requests come at a rate of their own. */
  boolean isOpen() {
    return rate > 0;
  }
}
