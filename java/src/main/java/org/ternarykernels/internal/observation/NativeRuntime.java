package org.ternarykernels.internal.observation;

import java.util.concurrent.atomic.AtomicInteger;
import org.ternarykernels.binding.NativeLibraries;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.NativeMemory;
import org.ternarykernels.internal.NativeText;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.StackReserve;
import org.ternarykernels.internal.Status;

/**
 * The native part of a {@code TernaryRuntime}, to which it must not refer: it ends when the runtime
 * is closed or forgotten and its last call is over. What it has counted can be read after its end.
 */
public final class NativeRuntime {
  private static final AtomicInteger MADE = new AtomicInteger();

  private final long address;
  private final String id;

  /** The counters as they were read last. */
  private CountersJson.Counters counters = CountersJson.Counters.NONE;

  private boolean ended;

  private NativeRuntime(long address) {
    this.address = address;
    int copy = NativeLibraries.copy();
    int number = MADE.incrementAndGet();
    this.id = copy == 1 ? String.valueOf(number) : copy + "." + number;
    // Loads the classes that the end needs: by then the application's class loader may be closed.
    Observation.COUNTERS.attempt(this::counters);
  }

  /**
   * Makes a runtime.
   *
   * @param settings lines of {@code RuntimeSettings} with a zero at the end
   * @param hint what to do where the GPU asked for cannot serve, for the end of the sentence
   */
  public static NativeRuntime create(byte[] settings, String hint) {
    StackReserve.forCreation();
    try (Scratch text = Scratch.copyOf(settings);
        Scratch handle = Scratch.ofBytes(Long.BYTES)) {
      int status = Ternary.ternary_runtime_create(text.address(), handle.address());
      if (status != Ternary.TERNARY_OK) {
        String sentence = NativeMemory.string(Ternary.ternary_last_error());
        throw Status.exception(
            status, status == Ternary.TERNARY_UNSUPPORTED ? sentence + hint : sentence);
      }
      return of(handle.readLong());
    }
  }

  /** Takes a runtime that native code has made; where there is no heap for that, it ends. */
  private static NativeRuntime of(long address) {
    try {
      return new NativeRuntime(address);
    } catch (Throwable e) {
      Ternary.ternary_runtime_destroy(address);
      throw e;
    }
  }

  public long address() {
    return address;
  }

  /** Tells the process's runtimes apart, those of other class loaders too. */
  public String id() {
    return id;
  }

  /** The counters now, or as they were at the end. */
  public synchronized CountersJson.Counters counters() {
    if (!ended) {
      counters = CountersJson.parse(json());
    }
    return counters;
  }

  /** The document of the counters; not after the end. */
  public String json() {
    return NativeText.read(Ternary::ternary_runtime_counters, address);
  }

  /** Frees what is native; nobody uses it any more. Throws nothing; again, it does nothing. */
  public void end() {
    synchronized (this) {
      if (ended) {
        return;
      }
      Observation.COUNTERS.attempt(this::counters);
      ended = true;
    }
    FlightRecording.remove(this);
    Ternary.ternary_runtime_destroy(address);
  }
}
