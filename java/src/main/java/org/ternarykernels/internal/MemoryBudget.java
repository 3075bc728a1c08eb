package org.ternarykernels.internal;

import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.Quoted;

/**
 * What this copy of the library may hold of native memory for buffers and scratch, which the Java
 * heap's size says nothing of. Weights and layers do not count: they are as large as the model.
 */
public final class MemoryBudget {
  static final String SETTING = "TERNARY_MAX_MEMORY";
  private static final AtomicLong HELD = new AtomicLong();

  private MemoryBudget() {}

  /** Takes bytes that {@link #release} gives back; false if they would pass the limit. */
  static boolean take(long bytes) {
    long limit = limit();
    long seen;
    do {
      seen = HELD.get();
      if (bytes > limit - seen) {
        return false;
      }
    } while (!HELD.compareAndSet(seen, seen + bytes));
    return true;
  }

  static void release(long bytes) {
    HELD.addAndGet(-bytes);
  }

  public static long held() {
    return HELD.get();
  }

  /** The property wins over the environment; read anew each time, so a running JVM can raise it. */
  static long limit() {
    String property = RuntimeSettings.property(SETTING);
    String value = System.getProperty(property);
    if (value != null) {
      return parse(property, value);
    }
    String environment = System.getenv(SETTING);
    return environment == null || environment.isEmpty()
        ? Runtime.getRuntime().maxMemory()
        : parse(SETTING, environment);
  }

  /** Bytes, with k, m or g for powers of 1024 as in the JVM's -Xmx. */
  public static long parse(String name, String value) {
    String digits = value.strip().toLowerCase(Locale.ROOT);
    int unit = digits.isEmpty() ? -1 : "kmg".indexOf(digits.charAt(digits.length() - 1));
    if (unit >= 0) {
      digits = digits.substring(0, digits.length() - 1);
    }
    @Nullable Long amount = digits.matches("[0-9]{1,18}") ? Long.valueOf(digits) : null;
    int shift = 10 * (unit + 1);
    if (amount == null || amount > Long.MAX_VALUE >> shift) {
      throw new IllegalArgumentException(
          name + " is " + Quoted.of(value) + ", must be bytes such as 536870912 or 512m");
    }
    return amount << shift;
  }
}
