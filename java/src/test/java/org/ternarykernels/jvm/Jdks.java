package org.ternarykernels.jvm;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The JDKs that are installed beside the one that runs the tests. */
public final class Jdks {
  private Jdks() {}

  /** The home of the newest, where one is newer than the tests' own. */
  public static Optional<Path> newer() throws IOException {
    Path own = Path.of(System.getProperty("java.home")).toRealPath();
    TreeMap<Integer, Path> byVersion = new TreeMap<>();
    try (Stream<Path> homes = Files.list(own.getParent())) {
      for (Path home : (Iterable<Path>) homes::iterator) {
        if (Files.isExecutable(home.resolve("bin/java")) && Files.exists(home.resolve("release"))) {
          byVersion.put(feature(home), home);
        }
      }
    }
    return Optional.ofNullable(byVersion.lastEntry())
        .filter(newest -> newest.getKey() > Runtime.version().feature())
        .map(Map.Entry::getValue);
  }

  /** The number of a JDK's release, as its file {@code release} says. */
  private static int feature(Path home) throws IOException {
    Properties release = new Properties();
    try (Reader lines = Files.newBufferedReader(home.resolve("release"))) {
      release.load(lines);
    }
    String version = release.getProperty("JAVA_VERSION", "0").replace("\"", "");
    return Integer.parseInt(version.split("[._+-]")[0]);
  }
}
