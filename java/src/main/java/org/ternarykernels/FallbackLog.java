package org.ternarykernels;

import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says the first fallback of each path and reason once: through SLF4J and as a flight recorder
 * event.
 */
final class FallbackLog {
  private static final Logger LOG = LoggerFactory.getLogger(TernaryRuntime.class);

  /** The native count of distinct fallbacks, which changes only when there is a new one. */
  private final ByteBuffer distinct;

  private final Set<String> said = new HashSet<>();
  private volatile long seen;

  FallbackLog(long distinctAddress) {
    this.distinct = NativeMemory.view(distinctAddress, Long.BYTES);
  }

  void poll(TernaryRuntime runtime) {
    if (distinct.getLong(0) != seen) {
      say(runtime);
    }
  }

  private synchronized void say(TernaryRuntime runtime) {
    long count = distinct.getLong(0);
    for (String fallback : runtime.fallbackCounts().keySet()) {
      if (said.add(fallback)) {
        int colon = fallback.lastIndexOf(':');
        String path = fallback.substring(0, colon);
        String reason = fallback.substring(colon + 1);
        LOG.warn(
            "Kernel {} refused a problem ({}), a slower one served it; said once", path, reason);
        FlightRecording.fallback(path, reason);
      }
    }
    seen = count;
  }
}
