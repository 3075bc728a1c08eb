package org.ternarykernels.tool.parity;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.options.RuntimeOptions;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A backend as the user names it: parts with commas between them, for example {@code
 * cpu,isa:avx2,threads:1}.
 *
 * @param text what was typed
 * @param values of the keys that it has
 */
record BackendSpec(String text, Map<Key, String> values) {
  /** What a part may say. */
  enum Key {
    DEVICE("cpu, cuda, cuda:N or auto", TernaryRuntime.Builder::device),
    ISA("isa:NAME", (builder, value) -> builder.maxIsa(Isa.of(value))),
    THREADS("threads:N", (builder, value) -> builder.threads(number(value))),
    FUSED("fused:0|1", (builder, value) -> builder.fuseRmsNormQkv(flag(value))),
    PDL("pdl:0|1", (builder, value) -> builder.enablePdl(flag(value))),
    SPLITS("splits:N", (builder, value) -> builder.i2sSplits(number(value))),
    SKIP("skip:M", (builder, value) -> builder.prefillSkipM(number(value))),
    CUTLASS("cutlass:0|1|auto", TernaryRuntime.Builder::cutlass),
    ACTIVATION("activation:A", (builder, value) -> Activation.parse(value));

    private final String form;
    private final Setter setter;

    Key(String form, Setter setter) {
      this.form = form;
      this.setter = setter;
    }

    private String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Puts a value into a builder. */
  private interface Setter {
    void set(TernaryRuntime.Builder builder, String value);
  }

  /** Makes one of an option's text. */
  static final class FromText implements ITypeConverter<BackendSpec> {
    @Override
    public BackendSpec convert(String text) {
      try {
        return parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  /** Every form, for help and errors. */
  static String forms() {
    return Arrays.stream(Key.values()).map(key -> key.form).collect(Collectors.joining("; "));
  }

  /**
   * Reads a text.
   *
   * @throws IllegalArgumentException if a part is none or is there twice
   */
  static BackendSpec parse(String text) {
    Map<Key, String> values = new EnumMap<>(Key.class);
    for (String part : List.of(text.toLowerCase(Locale.ROOT).split(",", -1))) {
      Key key = keyOf(part);
      String value = key == Key.DEVICE ? part : part.substring(part.indexOf(':') + 1);
      if (values.put(key, value) != null) {
        throw new IllegalArgumentException(
            "\"" + text + "\" says " + key.word() + " twice, must say it once");
      }
    }
    BackendSpec spec = new BackendSpec(text, values);
    spec.set(TernaryRuntime.builder()); // its numbers and names are checked here
    return spec;
  }

  private static Key keyOf(String part) {
    if (part.matches(RuntimeOptions.DEVICES)) {
      return Key.DEVICE;
    }
    return Arrays.stream(Key.values())
        .filter(key -> key != Key.DEVICE && part.startsWith(key.word() + ":"))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("\"" + part + "\" must be one of: " + forms()));
  }

  private static int number(String value) {
    if (!value.matches("\\d{1,9}")) {
      throw new IllegalArgumentException("\"" + value + "\" must be a whole number");
    }
    return Integer.parseInt(value);
  }

  private static boolean flag(String value) {
    if (!value.matches("[01]")) {
      throw new IllegalArgumentException("\"" + value + "\" must be 0 or 1");
    }
    return value.equals("1");
  }

  private void set(TernaryRuntime.Builder builder) {
    values.forEach((key, value) -> key.setter.set(builder, value));
  }

  /**
   * The runtime.
   *
   * @throws IllegalArgumentException if the machine lacks what a part names
   */
  TernaryRuntime open() {
    TernaryRuntime.Builder builder = TernaryRuntime.builder();
    set(builder);
    return builder.build();
  }

  /** How layers use activations: what a part says, else the model's. */
  Activation activation(Activation usual) {
    String own = values.get(Key.ACTIVATION);
    return own == null ? usual : Activation.parse(own);
  }

  /** What was typed, for {@code config.json} too. */
  @Override
  public String toString() {
    return Objects.requireNonNull(text);
  }
}
