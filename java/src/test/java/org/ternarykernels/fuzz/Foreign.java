package org.ternarykernels.fuzz;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Objects of the JDK and of other libraries that the API takes. */
final class Foreign {
  private static final Map<Class<?>, Function<Values, Object>> MAKERS =
      Map.of(
          MeterRegistry.class,
          values -> new SimpleMeterRegistry(),
          Iterable.class,
          values -> values.chance(0.5) ? List.of() : List.of(Tag.of("model", "a")),
          Runnable.class,
          values -> (Runnable) () -> {},
          Throwable.class,
          values -> new Exception("a cause"),
          OutputStream.class,
          values -> values.chance(0.7) ? new ByteArrayOutputStream() : closed(),
          ByteOrder.class,
          values -> values.chance(0.7) ? ByteOrder.nativeOrder() : ByteOrder.BIG_ENDIAN,
          Object.class,
          Memories::segment);

  private Foreign() {}

  static boolean isKnown(Class<?> type) {
    return MAKERS.containsKey(type);
  }

  static Argument make(Class<?> type, Values values) {
    return new Argument(MAKERS.get(type).apply(values), type.getSimpleName());
  }

  /** Refuses every byte. */
  private static OutputStream closed() {
    OutputStream stream = OutputStream.nullOutputStream();
    try {
      stream.close();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return stream;
  }
}
