package org.ternarykernels.tool.jmh;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Which JMH benchmarks run, each with every combination of its parameters. */
public final class JmhPlan {
  /** A benchmark with a value of each of its parameters. */
  record Task(String benchmark, Map<String, String> parameters) {
    /** Without the package. */
    String name() {
      int method = benchmark.lastIndexOf('.');
      return benchmark.substring(benchmark.lastIndexOf('.', method - 1) + 1);
    }

    /** The fields that say what is measured; whole numbers as numbers. */
    Map<String, Object> begin() {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("benchmark", name());
      parameters.forEach(
          (name, value) ->
              row.put(name, value.matches("\\d{1,9}") ? Integer.valueOf(value) : (Object) value));
      return row;
    }
  }

  private final CommandLineOptions options;
  private final List<Task> tasks = new ArrayList<>();

  /**
   * @param include a regular expression, found anywhere in the whole name of a benchmark
   * @param words options as JMH's own command line has them
   * @throws IllegalArgumentException if something of this is wrong, or nothing is left to run
   */
  public JmhPlan(String include, List<String> words) {
    options = parse(words);
    Pattern pattern = pattern(include);
    List<BenchmarkListEntry> all =
        new ArrayList<>(
            BenchmarkList.defaultList()
                .getAll(
                    OutputFormatFactory.createFormatInstance(System.err, VerboseMode.SILENT),
                    List.of()));
    Set<String> parameters = new TreeSet<>();
    for (BenchmarkListEntry entry : all) {
      if (pattern.matcher(entry.getUsername()).find()) {
        Map<String, String[]> declared = new TreeMap<>(entry.getParams().orElse(Map.of()));
        parameters.addAll(declared.keySet());
        combine(entry.getUsername(), declared);
      }
    }
    if (tasks.isEmpty()) {
      throw new IllegalArgumentException(
          "--jmh-include is \""
              + include
              + "\", must be found in the name of a benchmark: "
              + all.stream()
                  .map(BenchmarkListEntry::getUsername)
                  .sorted()
                  .collect(Collectors.joining(", ")));
    }
    requireKnown(words, parameters);
  }

  private static Pattern pattern(String include) {
    try {
      return Pattern.compile(include);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "--jmh-include is \""
              + include
              + "\", must be a regular expression: "
              + e.getDescription(),
          e);
    }
  }

  private static IllegalArgumentException wrong(List<String> words, String rule, Exception cause) {
    return new IllegalArgumentException(
        "--jmh-options is \"" + String.join(" ", words) + "\", must be " + rule, cause);
  }

  private static CommandLineOptions parse(List<String> words) {
    try {
      CommandLineOptions options = new CommandLineOptions(words.toArray(String[]::new));
      if (!options.getIncludes().isEmpty()) {
        throw wrong(words, "without a name of a benchmark, which --jmh-include takes", null);
      }
      if (options.getBenchModes().size() > 1) {
        throw wrong(words, "of one mode", null);
      }
      return options;
    } catch (CommandLineOptionException e) {
      throw wrong(words, "options of JMH: " + e.getMessage(), e);
    }
  }

  /** JMH itself passes over a parameter that no benchmark has. */
  private static void requireKnown(List<String> words, Set<String> parameters) {
    for (int i = 0; i + 1 < words.size(); i++) {
      String name = words.get(i + 1).replaceFirst("=.*", "");
      if (words.get(i).equals("-p") && !parameters.contains(name)) {
        throw wrong(words, "with -p of " + String.join(", ", parameters), null);
      }
    }
  }

  private void combine(String benchmark, Map<String, String[]> declared) {
    List<Map<String, String>> combinations = List.of(Map.of());
    for (Map.Entry<String, String[]> parameter : declared.entrySet()) {
      Collection<String> values =
          options.getParameter(parameter.getKey()).orElse(Arrays.asList(parameter.getValue()));
      List<Map<String, String>> longer = new ArrayList<>();
      for (Map<String, String> combination : combinations) {
        for (String value : values) {
          Map<String, String> next = new LinkedHashMap<>(combination);
          next.put(parameter.getKey(), value);
          longer.add(next);
        }
      }
      combinations = longer;
    }
    combinations.forEach(combination -> tasks.add(new Task(benchmark, combination)));
  }

  List<Task> tasks() {
    return tasks;
  }

  /** What JMH's runner is given for one of them. */
  Options options(Task task) {
    OptionsBuilder builder = new OptionsBuilder();
    builder
        .parent(options)
        .include("^" + Pattern.quote(task.benchmark()) + "$")
        .addProfiler(JmhRates.class)
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
    task.parameters().forEach(builder::param);
    return builder.build();
  }
}
