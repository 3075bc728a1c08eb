package org.ternarykernels.internal;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the users of a native object; the last one frees it. The owner is a user until it is
 * closed or forgotten, a call for as long as it runs, and a layer that was built on the object
 * until the layer itself goes.
 *
 * <p>It is also the owner's cleaning action, so neither it nor {@code free} may refer to the owner.
 */
public final class NativeHandle implements Runnable {
  private static final Cleaner CLEANER = Cleaner.create();
  private static final int OPEN = 1;
  private static final int USER = 2;

  private final AtomicInteger state = new AtomicInteger(OPEN);
  private final String subject;
  private final Runnable free;

  private NativeHandle(String subject, Runnable free) {
    this.subject = subject;
    this.free = free;
  }

  /**
   * A handle with the action that its owner's {@code close} runs, or the collector when the owner
   * was forgotten.
   */
  public static final class Owned {
    private final NativeHandle handle;

    @SuppressWarnings("NullAway.Init") // own() sets it
    private Cleaner.Cleanable close;

    private Owned(NativeHandle handle) {
      this.handle = handle;
    }

    public NativeHandle handle() {
      return handle;
    }

    public void close() {
      close.clean();
    }
  }

  /**
   * `subject` begins the sentence about a closed one: "the runtime is". If this throws, for want of
   * heap, nothing is owned and the caller frees.
   */
  public static Owned own(Object owner, String subject, Runnable free) {
    StackReserve.forCreation();
    Owned owned = new Owned(new NativeHandle(subject, free));
    owned.close = CLEANER.register(owner, owned.handle); // the last that can fail
    return owned;
  }

  /** Runs an action, which must not refer to the object, when the object has been collected. */
  static void whenCollected(Object object, Runnable action) {
    CLEANER.register(object, action);
  }

  public boolean isOpen() {
    return (state.get() & OPEN) != 0;
  }

  /** Calls and layers that use the object now, not counting the owner. */
  public int users() {
    return state.get() / USER;
  }

  /** Becomes a user; every acquire is followed by a {@link #release()}. */
  public void acquire() {
    StackReserve.forCall();
    enter();
  }

  /** As {@link #acquire}, by a call that has acquired another handle and so has the stack. */
  public void enter() {
    if (!tryEnter()) {
      throw new IllegalStateException(subject + " closed, must be open");
    }
  }

  /** As {@link #enter}, but says of a closed one that it is. */
  public boolean tryEnter() {
    int seen;
    do {
      seen = state.get();
      if ((seen & OPEN) == 0) {
        return false;
      }
    } while (!state.compareAndSet(seen, seen + USER));
    return true;
  }

  public void release() {
    if (state.addAndGet(-USER) == 0) {
      free.run();
    }
  }

  /** Closes: no new users, and whoever is last frees. The cleaner calls it at most once. */
  @Override
  public void run() {
    if (state.addAndGet(-OPEN) == 0) {
      free.run();
    }
  }
}
