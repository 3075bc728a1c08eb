package org.ternarykernels.loading;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A JVM of its own, whose output is read when it has ended with 0. */
final class Fork {
  private final List<String> options = new ArrayList<>();
  private final Map<String, String> environment;
  private final Path folder;

  Fork(Path folder, Map<String, String> environment) {
    this.folder = folder;
    this.environment = environment;
  }

  /** The class path of these tests: the library, what it needs, and the test classes. */
  static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** The class path with another folder in the place of the library's. */
  static String classPath(Path library) {
    List<String> entries = new ArrayList<>(Arrays.asList(classPath().split(File.pathSeparator)));
    entries.replaceAll(entry -> isLibrary(entry) ? library.toString() : entry);
    return String.join(File.pathSeparator, entries);
  }

  /** The folder of the library's classes and natives. */
  static Path library() {
    return Arrays.stream(classPath().split(File.pathSeparator))
        .filter(Fork::isLibrary)
        .map(Path::of)
        .findFirst()
        .orElseThrow();
  }

  private static boolean isLibrary(String entry) {
    return Files.exists(Path.of(entry, "org", "ternarykernels", "binding", "version.txt"));
  }

  Fork option(String option) {
    options.add(option);
    return this;
  }

  /** What the program wrote to both streams. */
  String run(String classPath, String mainClass, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, mainClass));
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile(folder, "out", ".txt");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(out.toFile()).environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(180, TimeUnit.SECONDS)).isTrue();
    String said = Files.readString(out, StandardCharsets.ISO_8859_1);
    assertThat(process.exitValue()).as(said).isZero();
    return said;
  }
}
