package org.ternarykernels.tool.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs {@code load} in a process of its own, which nothing of the runs before it is left in. */
final class LoadProcess implements ProfileRun {
  /** Folder of what processes print. */
  static final String LOGS = "logs";

  /** Folder of their results. */
  static final String RESULTS = "results";

  private static final String MAIN = "org.ternarykernels.tool.cli.Ternary";
  private static final long TICK_MILLIS = 200;

  /** Options of the library's own whose place an environment variable takes. */
  private static final String KNOBS = "TERNARY_";

  private final Path folder;
  private final List<String> arguments;
  private final long limitSeconds;

  /**
   * @param folder with the folders of logs and results
   * @param arguments of {@code load} that all profiles have, options with their values
   * @param limitSeconds after which a process is ended
   */
  LoadProcess(Path folder, List<String> arguments, long limitSeconds) throws IOException {
    this.folder = folder;
    this.arguments = arguments;
    this.limitSeconds = limitSeconds;
    Files.createDirectories(folder.resolve(LOGS));
    Files.createDirectories(folder.resolve(RESULTS));
  }

  static String logName(PlannedRun run) {
    return LOGS + "/" + run.id() + ".log";
  }

  private Path result(PlannedRun run) {
    return folder.resolve(RESULTS).resolve(run.id() + ".json");
  }

  @Override
  public JsonNode earlier(PlannedRun run) throws IOException {
    return Files.exists(result(run)) ? new ObjectMapper().readTree(result(run).toFile()) : null;
  }

  @Override
  public Outcome run(PlannedRun run, Runnable tick) throws IOException {
    long begin = System.nanoTime();
    Files.deleteIfExists(result(run));
    Path log = folder.resolve(logName(run));
    ProcessBuilder builder =
        new ProcessBuilder(command(run)).redirectErrorStream(true).redirectOutput(log.toFile());
    Map<String, String> environment = builder.environment();
    environment.keySet().removeIf(name -> name.startsWith(KNOBS));
    environment.putAll(run.profile().env());
    Process process = builder.start();
    process.getOutputStream().close();
    Thread ends = new Thread(process::destroyForcibly, "ends " + run.id());
    Runtime.getRuntime().addShutdownHook(ends);
    try {
      return outcome(run, process, log, begin, tick);
    } finally {
      process.destroyForcibly();
      Runtime.getRuntime().removeShutdownHook(ends);
    }
  }

  private Outcome outcome(PlannedRun run, Process process, Path log, long begin, Runnable tick)
      throws IOException {
    try {
      while (!process.waitFor(TICK_MILLIS, TimeUnit.MILLISECONDS)) {
        tick.run();
        if (seconds(begin) > limitSeconds) {
          return new Outcome(null, "it took more than " + limitSeconds + " s", seconds(begin));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while a profile ran", e);
    }
    JsonNode document = earlier(run);
    if (process.exitValue() != 0 || document == null) {
      return new Outcome(
          null, "exit code " + process.exitValue() + ": " + lastLine(log), seconds(begin));
    }
    return new Outcome(document, "", seconds(begin));
  }

  private static double seconds(long begin) {
    return (System.nanoTime() - begin) / 1e9;
  }

  private static String lastLine(Path log) throws IOException {
    List<String> lines = Files.readString(log, StandardCharsets.ISO_8859_1).lines().toList();
    return lines.isEmpty() ? "it said nothing" : lines.get(lines.size() - 1);
  }

  private List<String> command(PlannedRun run) {
    List<String> words = new ArrayList<>();
    words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    words.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN, "load"));
    Map<String, String> own = run.profile().options();
    for (int i = 0; i < arguments.size(); i++) {
      String word = arguments.get(i);
      if (own.containsKey(word.replaceFirst("^--", ""))) {
        i++; // the profile has a value of its own
      } else {
        words.add(word);
      }
    }
    own.forEach((name, value) -> words.addAll(List.of("--" + name, value)));
    words.addAll(List.of("--json", result(run).toString()));
    return words;
  }
}
