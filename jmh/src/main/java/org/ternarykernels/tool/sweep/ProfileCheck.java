package org.ternarykernels.tool.sweep;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.ternarykernels.Activation;
import org.ternarykernels.Isa;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.options.RuntimeOptions;

/** Whether a profile can be run at all, and whether this machine has what it needs. */
final class ProfileCheck {
  private static final String ISA = "TERNARY_MAX_ISA";
  private static final String DEVICE = "TERNARY_DEVICE";

  /** All processes would write the one file. */
  private static final String REPORT = "TERNARY_PATH_REPORT";

  private ProfileCheck() {}

  /**
   * Refuses values that no machine could honour.
   *
   * @throws IllegalArgumentException with the profile, the value and the rule
   */
  static void values(Profile profile) {
    try {
      profile.options().forEach(ProfileCheck::option);
      Map<String, String> knobs = new LinkedHashMap<>(profile.env());
      String isa = knobs.remove(ISA);
      if (isa != null) {
        Isa.of(isa);
      }
      String device = knobs.remove(DEVICE);
      require(
          device == null || device.matches(RuntimeOptions.DEVICES),
          DEVICE,
          device,
          "cpu, cuda, cuda:N or auto");
      require(!knobs.containsKey(REPORT), REPORT, knobs.get(REPORT), "left out of profiles");
      knobs(knobs);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("profile " + profile.name() + ": " + e.getMessage(), e);
    }
  }

  private static void option(String name, String value) {
    switch (name) {
      case "layout" -> {
        List<String> known =
            Arrays.stream(Layout.values()).map(one -> one.name().toLowerCase(Locale.ROOT)).toList();
        require(
            known.contains(value.toLowerCase(Locale.ROOT)),
            name,
            value,
            "one of " + String.join(", ", known));
      }
      case "activation" -> Activation.parse(value);
      default -> require(value.matches("[1-9]\\d{0,4}"), name, value, "a whole number from 1");
    }
  }

  private static void require(boolean valid, String name, String value, String rule) {
    if (!valid) {
      throw new IllegalArgumentException(name + " is \"" + value + "\", must be " + rule);
    }
  }

  /** The library itself says whether it takes the values: it has their ranges. */
  private static void knobs(Map<String, String> knobs) {
    Map<String, String> before = new LinkedHashMap<>();
    try {
      knobs.forEach((name, value) -> before.put(name, set(property(name), value)));
      TernaryRuntime.builder().device("cpu").build().close();
    } finally {
      before.forEach((name, value) -> set(property(name), value));
    }
  }

  private static String set(String property, String value) {
    return value == null ? System.clearProperty(property) : System.setProperty(property, value);
  }

  /** The system property of a knob. */
  private static String property(String name) {
    return name.toLowerCase(Locale.ROOT).replace('_', '.');
  }

  /**
   * What this machine lacks for a profile.
   *
   * @param model whether a real model is run, whose weights have their layout
   * @return empty if it can be run
   */
  static String missing(Profile profile, SweepMachine machine, boolean model) {
    String isa = profile.env().get(ISA);
    if (isa != null && !machine.isas().contains(isa)) {
      return "this machine has no " + isa;
    }
    if (model && profile.options().containsKey("layout")) {
      return "a model's layout cannot be set";
    }
    return "";
  }

  /**
   * Why a profile would change nothing here.
   *
   * @return empty if it may change something
   */
  static String idle(Profile profile, SweepMachine machine) {
    if (!profile.options().isEmpty()
        || profile.env().isEmpty()
        || profile.env().containsKey(DEVICE)) {
      return "";
    }
    List<String> reasons = new ArrayList<>();
    for (String knob : profile.env().keySet()) {
      String reason = KnobTarget.idle(knob, machine);
      if (reason.isEmpty()) {
        return "";
      }
      reasons.add(reason);
    }
    return reasons.get(0);
  }
}
