package org.ternarykernels.internal.observation;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.FlightRecorder;
import jdk.jfr.FlightRecorderListener;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.Device;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.NativeMemory;

/** The events and their registration; needs the module {@code jdk.jfr}. */
final class FlightRecorderEvents {
  /** Read by the recorder's threads, which hold its locks: so it needs none of ours. */
  private static final Set<NativeRuntime> RUNTIMES = ConcurrentHashMap.newKeySet();

  /** Held while the first runtime registers and the last one takes it back; never by a hook. */
  private static final Object REGISTRATION = new Object();

  private static final Runnable PATH_COUNTS = () -> RUNTIMES.forEach(PathCountEvent::commit);

  /**
   * Registering an event starts the recorder's machinery, 0.1 s and more: only when somebody
   * records.
   */
  private static final FlightRecorderListener LISTENER =
      new FlightRecorderListener() {
        @Override
        public void recorderInitialized(FlightRecorder recorder) {
          FlightRecorder.addPeriodicEvent(PathCountEvent.class, PATH_COUNTS);
          FlightRecorder.register(CallEvent.class);
          FlightRecorder.register(FallbackEvent.class);
        }
      };

  private FlightRecorderEvents() {}

  static boolean areAvailable() {
    return FlightRecorder.isAvailable();
  }

  /** How often a path served a call of one runtime. */
  @Name("org.ternarykernels.PathCount")
  @Label("Ternary path count")
  @Category("Ternary Kernels")
  @Description(
      "Calls that a kernel has served since the runtime was made; at the begin and the end of each"
          + " chunk of a recording, and when a runtime is closed")
  @Period("everyChunk")
  @StackTrace(false)
  static final class PathCountEvent extends Event {
    @Label("Runtime")
    @Description("Tells the runtimes of a process apart")
    String runtime;

    @Label("Path")
    String path;

    @Label("Count")
    long count;

    static void commit(NativeRuntime runtime) {
      if (!new PathCountEvent().isEnabled()) {
        return;
      }
      runtime
          .counters()
          .pathTotals()
          .forEach(
              (path, count) -> {
                PathCountEvent event = new PathCountEvent();
                event.runtime = runtime.id();
                event.path = path;
                event.count = count;
                event.commit();
              });
    }
  }

  /** The first refusal of a preferred kernel for a reason. */
  @Name("org.ternarykernels.Fallback")
  @Label("Ternary fallback")
  @Category("Ternary Kernels")
  @Description("A preferred kernel refused a problem for the first time for this reason")
  static final class FallbackEvent extends Event {
    @Label("Path")
    String path;

    @Label("Reason")
    String reason;
  }

  /** A call that lasted longer than the threshold. */
  @Name("org.ternarykernels.Call")
  @Label("Ternary call")
  @Category("Ternary Kernels")
  @Description(
      "A call that lasted longer than the threshold. Of a call on a CUDA stream it is what the host"
          + " takes to queue the work, not the work")
  @Threshold("1 ms")
  static final class CallEvent extends Event implements CallRecord {
    /** Asked whether calls are recorded; never committed. */
    private static final CallEvent ANY = new CallEvent();

    /** Of the call that ended last: a caller alone allocates nothing while short calls pass. */
    private static final AtomicReference<@Nullable CallEvent> SPARE = new AtomicReference<>();

    @Label("Runtime")
    @Description("Tells the runtimes of a process apart")
    String runtime;

    @Label("Device")
    String device;

    @Label("Operation")
    String operation;

    @Label("Path")
    @Description("The kernel that served the call, as in the path counts")
    String path;

    @Label("M")
    @Description("Rows")
    long m;

    @Label("N")
    @Description("Output features; 0 for operations without weights")
    long n;

    @Label("K")
    @Description("Input features; of qk_norm those of a head")
    long k;

    @Label("Bytes Read")
    @Description("Weights with their scales, activations, vectors: each once")
    @DataAmount
    long bytesRead;

    @Label("Bytes Written")
    @DataAmount
    long bytesWritten;

    static CallEvent begun() {
      CallEvent spare = SPARE.getAndSet(null);
      CallEvent event = spare == null ? new CallEvent() : spare;
      event.begin();
      return event;
    }

    @Override
    public void end(
        NativeRuntime from,
        Device on,
        String called,
        long rows,
        long outputs,
        long inputs,
        long read,
        long written) {
      end();
      if (shouldCommit()) {
        fill(from, on, called, rows, outputs, inputs, read, written);
        commit();
      }
      SPARE.set(this);
    }

    private void fill(
        NativeRuntime from,
        Device on,
        String called,
        long rows,
        long outputs,
        long inputs,
        long read,
        long written) {
      path = NativeMemory.string(Ternary.ternary_last_path(from.address()));
      runtime = from.id();
      device = on.id();
      operation = called;
      m = rows;
      n = outputs;
      k = inputs;
      bytesRead = read;
      bytesWritten = written;
    }
  }

  /** The first runtime registers what the recorder keeps of ours. */
  static void add(NativeRuntime runtime) {
    synchronized (REGISTRATION) {
      boolean first = RUNTIMES.isEmpty();
      RUNTIMES.add(runtime);
      if (first) {
        FlightRecorder.addListener(LISTENER);
      }
    }
  }

  /** The last runtime takes it back: the recorder would keep our class loader alive. */
  static void remove(NativeRuntime runtime) {
    synchronized (REGISTRATION) {
      if (!RUNTIMES.remove(runtime)) {
        return;
      }
      boolean recorder = FlightRecorder.isInitialized();
      try {
        if (recorder) {
          PathCountEvent.commit(runtime);
        }
      } finally {
        if (RUNTIMES.isEmpty()) {
          FlightRecorder.removeListener(LISTENER);
          if (recorder) {
            FlightRecorder.removePeriodicEvent(PATH_COUNTS);
          }
        }
      }
    }
  }

  static void fallback(String path, String reason) {
    if (!FlightRecorder.isInitialized()) {
      return;
    }
    FallbackEvent event = new FallbackEvent();
    event.path = path;
    event.reason = reason;
    event.commit();
  }

  /** Null where nobody records calls: then two loads are all it costs. */
  static @Nullable CallRecord beginCall() {
    if (!FlightRecorder.isInitialized() || !CallEvent.ANY.isEnabled()) {
      return null;
    }
    return CallEvent.begun();
  }
}
