package org.ternarykernels.internal.observation;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.NativeMemory;

/**
 * Says what a runtime has to say once: the first fallback of each path and reason, through SLF4J
 * and as a flight recorder event, the first report that could not be written, and the first call
 * that could not be computed again.
 */
public final class NoticeLog {
  private static final Logger LOG = LoggerFactory.getLogger(Observation.LOGGER);

  private final NativeRuntime runtime;

  /** The native count of notices. */
  private final ByteBuffer count;

  private final Set<String> said = new HashSet<>();
  private volatile long seen;

  public NoticeLog(NativeRuntime runtime) {
    this.runtime = runtime;
    this.count = NativeMemory.view(Ternary.ternary_runtime_notices(runtime.address()), Long.BYTES);
  }

  /** Costs one load when there is nothing new. The runtime must be acquired. Throws nothing. */
  public void poll() {
    if (count.getLong(0) != seen) {
      Observation.COUNTERS.attempt(this::say);
    }
  }

  private void say() {
    for (Runnable notice : unsaid()) { // not locked: a logger may wait for a thread that polls
      Observation.LOG.attempt(notice);
    }
  }

  private synchronized List<Runnable> unsaid() {
    long now = count.getLong(0);
    CountersJson.Counters counters = runtime.counters();
    List<Runnable> notices = new ArrayList<>();
    for (String fallback : counters.fallbackTotals().keySet()) {
      if (said.add(fallback)) {
        notices.add(() -> fallback(fallback));
      }
    }
    String error = counters.reportError();
    if (!error.isEmpty() && said.add(error)) {
      notices.add(() -> LOG.warn("{}; products go on, the next report is tried; said once", error));
    }
    String shadow = counters.shadowError();
    if (!shadow.isEmpty() && said.add(shadow)) {
      notices.add(() -> LOG.warn("A call was not compared: {}; calls go on; said once", shadow));
    }
    seen = now;
    return notices;
  }

  private static void fallback(String fallback) {
    int colon = fallback.lastIndexOf(':');
    String path = fallback.substring(0, colon);
    String reason = fallback.substring(colon + 1);
    FlightRecording.fallback(path, reason);
    if (reason.equals("validation")) {
      LOG.error("Kernel {} gave a wrong result and is off, another serves; said once", path);
      return;
    }
    LOG.warn("Kernel {} refused a problem ({}), a slower one served it; said once", path, reason);
  }
}
