package org.ternarykernels.tool.sweep;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Profiles that differ in values: one for each combination of what its settings may be.
 *
 * @param settings knobs and options of {@code load} by name
 */
record ProfileGrid(String name, String purpose, String expected, Map<String, Choice> settings) {
  /** Longer words of a value are cut in names of profiles. */
  private static final int LONGEST_WORD = 24;

  /**
   * What a setting may be.
   *
   * @param list whether names of profiles tell the value
   */
  record Choice(List<String> values, boolean list) {}

  List<Profile> profiles() {
    List<Profile> profiles =
        List.of(new Profile(name, purpose, expected, new LinkedHashMap<>(), new LinkedHashMap<>()));
    for (Map.Entry<String, Choice> setting : settings.entrySet()) {
      List<Profile> longer = new ArrayList<>();
      for (Profile profile : profiles) {
        for (String value : setting.getValue().values()) {
          longer.add(with(profile, setting.getKey(), value, setting.getValue().list()));
        }
      }
      profiles = longer;
    }
    return profiles;
  }

  /** How many {@link #profiles()} would make. */
  long size() {
    long size = 1;
    for (Choice choice : settings.values()) {
      size = Math.min(Integer.MAX_VALUE, size * choice.values().size());
    }
    return size;
  }

  private static Profile with(Profile profile, String setting, String value, boolean named) {
    Map<String, String> env = new LinkedHashMap<>(profile.env());
    Map<String, String> options = new LinkedHashMap<>(profile.options());
    (ProfileFile.OPTIONS.contains(setting) ? options : env).put(setting, value);
    return new Profile(
        named ? profile.name() + "_" + word(value) : profile.name(),
        profile.purpose(),
        profile.expected(),
        env,
        options);
  }

  /** A value as part of a name, which is also a file's: of a path its last part. */
  private static String word(String value) {
    String last = value.substring(value.lastIndexOf('/') + 1);
    String plain = last.replaceAll("[^A-Za-z0-9_-]+", "-");
    return plain.length() <= LONGEST_WORD ? plain : plain.substring(0, LONGEST_WORD);
  }
}
