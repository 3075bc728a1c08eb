package org.ternarykernels.io;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.storage.Quoted;

/**
 * The {@code quantization_config} of a published BitNet model. Every value of it may change the
 * numbers, so one that is not known here is refused.
 *
 * @param multiplies whether the product is multiplied by the scale; else it is divided by it
 */
record QuantizationConfig(boolean multiplies) {
  private static final String PREFIX = "quantization_config.";

  private static final Set<String> KNOWN =
      Set.of(
          "quant_method",
          "linear_class",
          "quantization_mode",
          "use_rms_norm",
          "rms_norm_eps", // of the norm that use_rms_norm asks for
          "modules_to_not_convert"); // their tensors tell

  /** Reads and checks the values. */
  static QuantizationConfig of(ModelConfig config) {
    config.requireKnown(PREFIX, KNOWN);
    String method = config.find(PREFIX + "quant_method");
    require("bitnet".equals(method), "quant_method", method, "bitnet");
    // Models older than the field are of the dividing kind.
    String convention = config.find(PREFIX + "linear_class");
    require(
        convention == null || convention.equals("autobitlinear") || convention.equals("bitlinear"),
        "linear_class",
        convention,
        "autobitlinear or bitlinear");
    String mode = config.find(PREFIX + "quantization_mode");
    require(
        mode == null || mode.equals("offline"),
        "quantization_mode",
        mode,
        "offline: the weights of others are not ternary yet");
    String norm = config.find(PREFIX + "use_rms_norm");
    require(
        norm == null || norm.equals("false"),
        "use_rms_norm",
        norm,
        "false, or ignored by its name: a norm inside the layers is not computed here");
    return new QuantizationConfig("autobitlinear".equals(convention));
  }

  private static void require(boolean holds, String name, @Nullable String value, String rule) {
    if (!holds) {
      throw new IllegalArgumentException(
          PREFIX
              + name
              + " is "
              + (value == null ? "missing" : Quoted.of(value))
              + ", must be "
              + rule);
    }
  }
}
