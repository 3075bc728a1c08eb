package org.ternarykernels.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.jvm.Fork;
import org.ternarykernels.jvm.Jdks;

/**
 * No call of the API ends a JVM, or with anything but a result or an exception that it documents.
 * {@code -Dfuzz.seed=} and {@code -Dfuzz.calls=} choose others; the profile long-tests makes
 * 735,000.
 */
class ApiFuzzTest {
  private static final long SEED = Long.getLong("fuzz.seed", 1);
  private static final int CALLS = Integer.getInteger("fuzz.calls", 20_000);
  private static final int THREADS = 4;

  @TempDir Path folder;

  @Test
  void everyCallReturnsOrThrowsWhatIsDocumented() throws Exception {
    String said = fuzz(new Fork(folder, Map.of()), CALLS, THREADS);
    assertThat(number(said, "methods and constructors: ")).isGreaterThan(150);
    assertThat(number(said, "peak MB: ")).as(said).isLessThan(1500);
  }

  @Test
  void soItIsOnTheNewestJdk() throws Exception {
    Optional<Path> newer = Jdks.newer();
    assumeThat(newer).as("a JDK beside this one that is newer").isPresent();
    fuzz(new Fork(folder, Map.of()).jdk(newer.orElseThrow()), CALLS, THREADS);
  }

  @Test
  void aSeedGivesTheSameCalls() throws Exception {
    String first = fuzz(new Fork(folder, Map.of()), 2_500, 1);
    String second = fuzz(new Fork(folder, Map.of()), 2_500, 1);
    assertThat(first.lines().filter(line -> line.startsWith("calls of thread 0: ")))
        .isNotEmpty()
        .containsExactlyElementsOf(
            second.lines().filter(line -> line.startsWith("calls of thread 0: ")).toList());
  }

  private String fuzz(Fork fork, int calls, int threads) throws Exception {
    return fork.option("-Xmx256m")
        .option("-Dternary.cache.dir=" + folder.resolve("cache"))
        .option("-Dorg.slf4j.simpleLogger.defaultLogLevel=off")
        // JavaCPP would count all of the process's memory against the heap's limit.
        .option("-Dorg.bytedeco.javacpp.maxPhysicalBytes=0")
        .seconds(120 + calls / 50)
        .run(
            Fork.classPath(),
            ApiFuzz.class.getName(),
            Long.toString(SEED),
            Integer.toString(calls),
            Integer.toString(threads),
            folder.toString());
  }

  private static long number(String said, String label) {
    String line = said.lines().filter(l -> l.startsWith(label)).findFirst().orElseThrow();
    return Long.parseLong(line.substring(label.length()));
  }
}
