package org.ternarykernels.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Every JMH benchmark runs, on a tiny shape, in this JVM; and its set-up refuses what the library
 * refuses.
 */
class BenchmarksTest {
  private static ChainedOptionsBuilder options(Class<?> benchmark) {
    return new OptionsBuilder()
        .include(benchmark.getName().replace(".", "\\.") + "\\.")
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(10))
        .shouldFailOnError(true)
        .verbosity(VerboseMode.SILENT);
  }

  private static void assertRuns(int results, ChainedOptionsBuilder options)
      throws RunnerException {
    Collection<RunResult> run = new Runner(options.build()).run();
    assertThat(run).hasSize(results);
    for (RunResult result : run) {
      assertThat(result.getPrimaryResult().getScore()).isPositive();
    }
  }

  @Test
  void layers() throws Exception {
    for (Class<?> benchmark : List.of(LinearBenchmark.class, RmsNormBenchmark.class)) {
      assertRuns(
          4,
          options(benchmark)
              .param("shape", "40x70")
              .param("m", "3")
              .param("layout", "I2S_TILED", "T5_TILED")
              .param("isa", "best", "portable")
              .param("threads", "2")
              .param("memory", "resident"));
    }
  }

  @Test
  void quantising() throws Exception {
    assertRuns(2, options(QuantiseBenchmark.class).param("k", "70").param("m", "1", "3"));
  }

  @Test
  void callOverhead() throws Exception {
    assertRuns(2, options(CallOverheadBenchmark.class));
  }

  @Test
  void noBenchmarkIsLeftOut() {
    Set<String> classes =
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of())
            .stream()
            .map(entry -> entry.getUserClassQName())
            .collect(Collectors.toSet());
    assertThat(classes)
        .containsExactlyInAnyOrder(
            LinearBenchmark.class.getName(),
            RmsNormBenchmark.class.getName(),
            QuantiseBenchmark.class.getName(),
            CallOverheadBenchmark.class.getName());
  }

  /** JMH runs what has a given text in its name: none may be a part of another. */
  @Test
  void noNameIsAPartOfAnother() {
    List<String[]> names =
        BenchmarkList.defaultList()
            .getAll(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT), List.of())
            .stream()
            .map(entry -> entry.getUsername().split("\\."))
            .toList();
    assertThat(names).hasSize(5);
    for (String[] one : names) {
      String type = one[one.length - 2];
      String method = one[one.length - 1];
      for (String[] other : names) {
        String otherName = other[other.length - 2] + "." + other[other.length - 1];
        if (!type.equals(other[other.length - 2])) {
          assertThat(otherName).doesNotContainIgnoringCase(type);
        }
        if (one != other) {
          assertThat(other[other.length - 1]).doesNotContainIgnoringCase(method);
        }
      }
    }
  }

  @Test
  void shapesOfTheFilesAndInstructionSetsAreNamedWhenWrong() {
    LinearBenchmark benchmark = new LinearBenchmark();
    benchmark.shape = "bitnet-2b-4t/none";
    benchmark.m = 1;
    benchmark.isa = "best";
    benchmark.layout = "I2S_TILED";
    benchmark.memory = "resident";
    assertThatThrownBy(benchmark::prepare).hasMessageContaining("bitnet-2b-4t/none");
    benchmark.isa = "sse9";
    assertThatThrownBy(benchmark::prepare).hasMessageContaining("sse9");
  }
}
