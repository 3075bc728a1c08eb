package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.ternarykernels.tool.options.Yaml;

/**
 * Reads profiles from YAML: a list {@code profiles} of {@code name}, {@code purpose}, {@code
 * expected}, {@code env} and {@code options}. A value of {@code env} or {@code options} may be a
 * list of values: {@link ProfileGrid}. The word {@code each} stands for all instruction sets of the
 * machine, or for numbers of threads up to its own.
 */
final class ProfileFile {
  /** Options of {@code load} that a profile may set and that are no knobs. */
  static final List<String> OPTIONS = List.of("layout", "activation", "batch");

  private static final String ISA = "TERNARY_MAX_ISA";
  private static final String THREADS = "TERNARY_NUM_THREADS";

  /** Options of {@code load} that are knobs, and so are kept as those. */
  private static final Map<String, String> KNOBS_OF_OPTIONS =
      Map.of("threads", THREADS, "isa", ISA, "device", "TERNARY_DEVICE");

  private static final String BUILT_IN = "profiles.yaml";
  private static final List<String> FIELDS =
      List.of("name", "purpose", "expected", "env", "options");
  private static final String EACH = "each";
  private static final int MOST_PROFILES = 1000;

  private final String file;
  private final SweepMachine machine;

  private ProfileFile(String file, SweepMachine machine) {
    this.file = file;
    this.machine = machine;
  }

  /** The profiles that are built in, the baseline first. */
  static List<Profile> builtIn(SweepMachine machine) throws IOException {
    try (InputStream in = ProfileFile.class.getResourceAsStream(BUILT_IN)) {
      return parse(BUILT_IN, new String(in.readAllBytes(), StandardCharsets.UTF_8), machine);
    }
  }

  /**
   * Reads a file's text.
   *
   * @param file its name in errors
   * @throws IllegalArgumentException if the text breaks a rule; the sentence names the file and the
   *     line or the profile
   */
  static List<Profile> parse(String file, String text, SweepMachine machine) {
    return new ProfileFile(file, machine).read(text);
  }

  private List<Profile> read(String text) {
    JsonNode root = Yaml.tree(file, text);
    JsonNode list = root.path("profiles");
    require(
        root.size() == 1 && list.isArray() && !list.isEmpty(),
        "must be a list of profiles under the word profiles, and nothing else");
    List<Profile> profiles = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < list.size(); i++) {
      ProfileGrid grid = grid(list.get(i), "profile " + (i + 1));
      require(
          grid.size() + profiles.size() <= MOST_PROFILES,
          "profile " + grid.name() + " is one of more than " + MOST_PROFILES);
      for (Profile profile : grid.profiles()) {
        require(
            names.add(profile.name().toLowerCase(Locale.ROOT)), // file systems may not tell case
            "two profiles are called " + profile.name() + ", must have names of their own");
        profiles.add(profile);
      }
    }
    return profiles;
  }

  private ProfileGrid grid(JsonNode entry, String place) {
    String name = entry.path("name").asText();
    require(
        name.matches("[A-Za-z][A-Za-z0-9_-]{0,39}"),
        place
            + ": name is \""
            + name
            + "\", must be a letter and then at most 39 of letters, digits, _ and -");
    String of = "profile " + name + ": ";
    entry
        .fieldNames()
        .forEachRemaining(
            field -> require(FIELDS.contains(field), of + unknown("field", field, FIELDS)));
    for (String field : List.of("purpose", "expected")) {
      require(
          entry.path(field).isTextual() && !entry.path(field).asText().isBlank(),
          of + field + " is missing, must be a text");
    }
    Map<String, ProfileGrid.Choice> settings = new LinkedHashMap<>();
    entries(entry.path("env"), of + "env")
        .forEach(
            (knob, value) -> {
              require(machine.knobs().contains(knob), of + unknown("knob", knob, machine.knobs()));
              settings.put(knob, choice(knob, value, of));
            });
    entries(entry.path("options"), of + "options")
        .forEach(
            (option, value) -> {
              List<String> known =
                  Stream.concat(OPTIONS.stream(), KNOBS_OF_OPTIONS.keySet().stream().sorted())
                      .toList();
              require(known.contains(option), of + unknown("option", option, known));
              String setting = KNOBS_OF_OPTIONS.getOrDefault(option, option);
              require(
                  settings.put(setting, choice(setting, value, of)) == null,
                  of + "sets both " + option + " and " + setting);
            });
    return new ProfileGrid(
        name, entry.get("purpose").asText(), entry.get("expected").asText(), settings);
  }

  private static String unknown(String kind, String name, List<String> known) {
    return "no such " + kind + ": " + name + ", must be one of " + String.join(", ", known);
  }

  private Map<String, JsonNode> entries(JsonNode map, String of) {
    Map<String, JsonNode> entries = new LinkedHashMap<>();
    require(map.isMissingNode() || map.isObject(), of + " is " + map + ", must be NAME: VALUE");
    map.fields().forEachRemaining(entry -> entries.put(entry.getKey(), entry.getValue()));
    return entries;
  }

  private ProfileGrid.Choice choice(String setting, JsonNode value, String of) {
    if (value.asText().equals(EACH)) {
      require(
          setting.equals(ISA) || setting.equals(THREADS),
          of + setting + " is each, which only " + ISA + " and " + THREADS + " may be");
      return new ProfileGrid.Choice(
          setting.equals(ISA) ? machine.isas() : machine.threadCounts(), true);
    }
    List<String> values = new ArrayList<>();
    for (JsonNode element : value.isArray() ? value : List.of(value)) {
      String text = element.asText();
      require(
          element.isValueNode() && !element.isNull() && text.chars().allMatch(c -> c >= ' '),
          of + setting + " is " + element + ", must be a value or a list of values");
      values.add(text);
    }
    require(!values.isEmpty(), of + setting + " is an empty list, must have a value");
    return new ProfileGrid.Choice(values, value.isArray());
  }

  private void require(boolean valid, String sentence) {
    if (!valid) {
      throw new IllegalArgumentException(file + ": " + sentence);
    }
  }
}
