package org.ternarykernels.tool.load;

import java.util.concurrent.locks.LockSupport;

/** The time that a run of users sees; tests have one of their own. */
public interface Clock {
  /** The machine's. */
  Clock SYSTEM =
      new Clock() {
        @Override
        public long nanoTime() {
          return System.nanoTime();
        }

        @Override
        public void sleepUntil(long nanos) {
          for (long left = nanos - nanoTime(); left > 0; left = nanos - nanoTime()) {
            LockSupport.parkNanos(left);
          }
        }
      };

  /** Nanoseconds since some moment. */
  long nanoTime();

  /** Returns when {@link #nanoTime()} is at least so much. */
  void sleepUntil(long nanos);
}
