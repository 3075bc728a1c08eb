package org.ternarykernels.fuzz;

import java.io.UncheckedIOException;
import java.lang.reflect.Executable;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.ternarykernels.TernaryException;

/** What came of the calls of all threads: outcomes by kind, and what should not have happened. */
final class Findings {
  /** A sentence may quote a text that it is about, such as a path, not more. */
  private static final int LONGEST_SENTENCE = 3 * Values.LONGEST_TEXT;

  private final Map<String, AtomicLong> outcomes = new ConcurrentSkipListMap<>();
  private final Map<Executable, AtomicLong> called = new ConcurrentHashMap<>();
  private final Map<String, String> faults = new ConcurrentSkipListMap<>();

  void returned(Executable call) {
    count(call, "returned");
  }

  void threw(Executable call, Throwable thrown, String text) {
    count(call, thrown.getClass().getSimpleName());
    String fault = declares(call, thrown) ? "" : fault(thrown);
    if (!fault.isEmpty()) {
      // One a kind and place, with the first call that met it.
      faults.putIfAbsent(
          PublicApi.name(call) + " " + fault + " at " + place(thrown),
          text + " threw " + shortened(thrown.toString()));
    }
  }

  /** A checked exception of its signature. */
  private static boolean declares(Executable call, Throwable thrown) {
    return Stream.of(call.getExceptionTypes())
        .anyMatch(type -> type != Exception.class && type.isInstance(thrown));
  }

  private void count(Executable call, String outcome) {
    outcomes.computeIfAbsent(outcome, o -> new AtomicLong()).incrementAndGet();
    called.computeIfAbsent(call, c -> new AtomicLong()).incrementAndGet();
  }

  /** Why an exception is none of those that the API may throw; empty if it is one. */
  static String fault(Throwable thrown) {
    if (thrown instanceof OutOfMemoryError) { // an array as large as an argument says
      return "";
    }
    boolean documented =
        thrown instanceof IllegalArgumentException
            || thrown instanceof IllegalStateException
            || thrown instanceof TernaryException
            || thrown instanceof UncheckedIOException;
    if (!documented) {
      return thrown.getClass().getName();
    }
    String sentence = thrown.getMessage();
    if (sentence == null || sentence.isBlank()) {
      return "no sentence";
    }
    return sentence.length() > LONGEST_SENTENCE ? "a long sentence" : "";
  }

  private static String place(Throwable thrown) {
    for (StackTraceElement frame : thrown.getStackTrace()) {
      if (frame.getClassName().startsWith("org.ternarykernels.")) {
        return frame.toString();
      }
    }
    return "no frame of the library";
  }

  private static String shortened(String text) {
    return text.length() > 300 ? text.substring(0, 300) + "\u2026" : text;
  }

  boolean wasCalled(Executable call) {
    return called.containsKey(call);
  }

  Map<String, String> faults() {
    return faults;
  }

  Map<String, AtomicLong> outcomes() {
    return outcomes;
  }
}
