package org.ternarykernels.tool.load;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;

/** When requests arrive, in order. */
final class Arrivals {
  private static final long SECOND = 1_000_000_000L;
  private static final long BETWEEN_USERS_NANOS = 1_000_000;

  private final LoadPlan plan;
  private final SplittableRandom random;
  private final Deque<Request> coming = new ArrayDeque<>();
  private int made;

  Arrivals(LoadPlan plan, long begin) {
    this.plan = plan;
    random = new SplittableRandom(plan.seed());
    if (plan.isOpen()) {
      for (int i = 0; i < plan.requests(); i++) {
        add(begin + (long) (i * SECOND / plan.rate()));
      }
    } else {
      for (int i = 0; i < Math.min(plan.users(), plan.requests()); i++) {
        add(plan.hold() ? begin : begin + i * BETWEEN_USERS_NANOS);
      }
    }
  }

  private void add(long arrival) {
    coming.add(new Request(arrival, plan.mix().draw(random), plan.seed() + made));
    made++;
  }

  /** A user has its answer, or knows that there will be none. */
  void answered(long now) {
    if (!plan.isOpen() && made < plan.requests()) {
      add(now);
    }
  }

  /** The next one, if it has arrived; else null. */
  Request next(long now) {
    return !coming.isEmpty() && coming.peek().arrival <= now ? coming.poll() : null;
  }

  /** When the next one arrives; {@code Long.MAX_VALUE} if none is known. */
  long nextArrival() {
    return coming.isEmpty() ? Long.MAX_VALUE : coming.peek().arrival;
  }
}
