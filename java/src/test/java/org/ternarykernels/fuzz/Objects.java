package org.ternarykernels.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.ternarykernels.Heads;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.SafetensorsWriter;

/**
 * Objects of the API that earlier calls returned, open and closed ones, in numbered slots of their
 * class.
 *
 * <p>Threads share all but those of classes that are not thread-safe by their documentation; each
 * thread has its own of these.
 */
final class Objects {
  private static final int SLOTS = 24;

  /** A runtime has threads, so there are fewer. */
  private static final int RUNTIMES = 6;

  private final Map<Class<?>, AtomicReferenceArray<Object>> shared;
  private final Map<Class<?>, AtomicReferenceArray<Object>> own = new ConcurrentHashMap<>();

  private Objects(Map<Class<?>, AtomicReferenceArray<Object>> shared) {
    this.shared = shared;
  }

  Objects() {
    this(new ConcurrentHashMap<>());
  }

  /** What another thread sees of these. */
  Objects ofAnotherThread() {
    return new Objects(shared);
  }

  static boolean isKept(Class<?> type) {
    return type.getName().startsWith("org.ternarykernels.") && !type.isEnum();
  }

  private static boolean isConfined(Class<?> type) {
    return type == TernaryBuffer.class
        || type == Heads.class // these have buffers
        || type == Router.class
        || type == Routing.class
        || type == SafetensorsWriter.class
        || type.getSimpleName().equals("Builder");
  }

  private AtomicReferenceArray<Object> slots(Class<?> type) {
    return (isConfined(type) ? own : shared)
        .computeIfAbsent(
            type, t -> new AtomicReferenceArray<>(t == TernaryRuntime.class ? RUNTIMES : SLOTS));
  }

  /** What is in a slot; null where nothing was kept yet. */
  Object get(Class<?> type, int number) {
    AtomicReferenceArray<Object> slots = slots(type);
    return slots.get(number % slots.length());
  }

  /** Puts an object into a slot and returns the one that was there. */
  Object put(Object object, int number) {
    AtomicReferenceArray<Object> slots = slots(object.getClass());
    return slots.getAndSet(number % slots.length(), object);
  }

  /** Closes everything; says what could not be. */
  List<String> close() {
    List<String> failures = new ArrayList<>();
    for (Map<Class<?>, AtomicReferenceArray<Object>> map : List.of(own, shared)) {
      for (AtomicReferenceArray<Object> slots : map.values()) {
        for (int i = 0; i < slots.length(); i++) {
          if (slots.getAndSet(i, null) instanceof AutoCloseable closeable) {
            try {
              closeable.close();
            } catch (Exception | Error e) {
              failures.add("close() of a " + closeable.getClass().getSimpleName() + ": " + e);
            }
          }
        }
      }
    }
    return failures;
  }
}
