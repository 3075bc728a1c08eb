package org.ternarykernels.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A JVM of its own, whose output is read when it has ended with 0 and without a crash. */
public final class Fork {
  private final List<String> options = new ArrayList<>();
  private final Map<String, String> environment;
  private final Path folder;
  private Path home = Path.of(System.getProperty("java.home"));
  private int seconds = 180;

  /**
   * @param folder for its output, and for the JVM's own report where it crashes
   * @param environment what it has besides this JVM's
   */
  public Fork(Path folder, Map<String, String> environment) {
    this.folder = folder;
    this.environment = environment;
  }

  /** The class path of these tests: the library, what it needs, and the test classes. */
  public static String classPath() {
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** The class path with another folder in the place of the library's. */
  public static String classPath(Path library) {
    List<String> entries = new ArrayList<>(Arrays.asList(classPath().split(File.pathSeparator)));
    entries.replaceAll(entry -> isLibrary(entry) ? library.toString() : entry);
    return String.join(File.pathSeparator, entries);
  }

  /** The folder of the library's classes and natives. */
  public static Path library() {
    return Arrays.stream(classPath().split(File.pathSeparator))
        .filter(Fork::isLibrary)
        .map(Path::of)
        .findFirst()
        .orElseThrow();
  }

  private static boolean isLibrary(String entry) {
    return Files.exists(Path.of(entry, "org", "ternarykernels", "binding", "version.txt"));
  }

  public Fork option(String option) {
    options.add(option);
    return this;
  }

  /** Runs on another JDK than these tests. */
  public Fork jdk(Path home) {
    this.home = home;
    return this;
  }

  /** How long it may take; 180 seconds unless said. */
  public Fork seconds(int seconds) {
    this.seconds = seconds;
    return this;
  }

  /** What the program wrote to both streams. */
  public String run(String classPath, String mainClass, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin/java").toString());
    command.add("-XX:ErrorFile=" + folder.resolve("hs_err_%p.log"));
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, mainClass));
    command.addAll(List.of(arguments));
    Path out = Files.createTempFile(folder, "out", ".txt");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(out.toFile()).environment().putAll(environment);
    Process process = builder.start();
    boolean ended = process.waitFor(seconds, TimeUnit.SECONDS);
    process.destroyForcibly().waitFor();
    String said = Files.readString(out, StandardCharsets.ISO_8859_1);
    assertThat(ended).as("within %d seconds: %s", seconds, said).isTrue();
    assertThat(process.exitValue()).as(said + crashReports()).isZero();
    assertThat(crashReports()).isEmpty();
    return said;
  }

  /** The beginnings of the reports that crashed JVMs left. */
  private String crashReports() throws IOException {
    StringBuilder reports = new StringBuilder();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (file.getFileName().toString().startsWith("hs_err_")) {
          String report = Files.readString(file, StandardCharsets.ISO_8859_1);
          reports.append(report, 0, Math.min(6000, report.length()));
        }
      }
    }
    return reports.toString();
  }
}
