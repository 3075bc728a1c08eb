package org.ternarykernels.internal;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The settings of a runtime as lines {@code NAME=VALUE}: the builder's win over system properties,
 * which win over the environment, which wins over a settings file. The native core reads the
 * environment and the file, and checks every value.
 */
public final class RuntimeSettings {
  public static final String DEVICE = "TERNARY_DEVICE";
  private static final String SHADOW = "TERNARY_SHADOW";

  /** Every setting, by the name of its environment variable. */
  public static final List<String> NAMES =
      List.of(
          "TERNARY_SETTINGS",
          "TERNARY_MAX_ISA",
          "TERNARY_NUM_THREADS",
          "TERNARY_COLLECT_PATH_STATS",
          "TERNARY_PATH_REPORT",
          "TERNARY_PATH_REPORT_EVERY",
          "TERNARY_I2S_ONLY",
          "TERNARY_FUSE_RMSNORM_QKV",
          "TERNARY_ENABLE_PDL",
          "TERNARY_I2S_SPLITS",
          "TERNARY_PREFILL_SKIP_M",
          "TERNARY_CUTLASS",
          "TERNARY_TUNING",
          DEVICE,
          "TERNARY_MAX_SCRATCH",
          "TERNARY_COST_RESIDUALS",
          "TERNARY_VALIDATE",
          SHADOW,
          "TERNARY_SHADOW_EVERY",
          "TERNARY_SHADOW_FILE",
          "TERNARY_SHADOW_MAX_DIFFS");

  private final Map<String, String> built = new LinkedHashMap<>();

  public void put(String name, Object value) {
    built.put(name, Checks.notNull(name, value).toString());
  }

  /** The system property of a setting: {@code TERNARY_MAX_ISA} is {@code ternary.max.isa}. */
  public static String property(String name) {
    return name.toLowerCase(Locale.ROOT).replace('_', '.');
  }

  /** The value of {@link #DEVICE} that asks for a GPU. */
  public static String cuda(int ordinal) {
    return "cuda:" + ordinal;
  }

  /** Where the runtime is to compute, also where only the environment says so. */
  public String device() {
    String value = valueOrEnvironment(DEVICE);
    return value.isEmpty() ? "cpu" : value;
  }

  /** Where a sample of its calls is to be computed again; cpu where that needs no device. */
  public String shadowDevice() {
    String value = valueOrEnvironment(SHADOW);
    return value.startsWith("cuda") ? value : "cpu";
  }

  private String valueOrEnvironment(String name) {
    String value = value(name);
    String set = value == null ? System.getenv(name) : value;
    return set == null ? "" : set;
  }

  private String value(String name) {
    return built.containsKey(name) ? built.get(name) : System.getProperty(property(name));
  }

  public String lines() {
    StringBuilder lines = new StringBuilder();
    for (String name : NAMES) {
      String value = value(name);
      if (value == null) {
        continue;
      }
      if (value.chars().anyMatch(c -> c < ' ')) {
        throw new IllegalArgumentException(
            name + " is \"" + value + "\", must not contain control characters");
      }
      lines.append(name).append('=').append(value).append('\n');
    }
    return lines.toString();
  }
}
