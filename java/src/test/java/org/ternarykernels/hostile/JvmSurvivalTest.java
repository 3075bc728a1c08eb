package org.ternarykernels.hostile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ternarykernels.jvm.Fork;
import org.ternarykernels.jvm.Jdks;

/** States of a JVM in which native code must not end it, and must lose nothing. */
class JvmSurvivalTest {
  /** For each of 16 kinds of calls; the profile long-tests takes 1,000. */
  private static final int DEPTHS = Integer.getInteger("deep.stacks", 100);

  @TempDir Path folder;

  private Fork fork() {
    return new Fork(folder, Map.of())
        .option("-Dternary.cache.dir=" + folder.resolve("cache"))
        .option("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
        .option("-XX:MaxJavaStackTraceDepth=8"); // a thousand lines an error take long
  }

  @ParameterizedTest
  @ValueSource(strings = {"-XX:+UseSerialGC", "-XX:+UseParallelGC"})
  void aFullHeapIsAnOutOfMemoryErrorAndLosesNothing(String collector) throws Exception {
    String said =
        fork()
            .option("-Xmx16m")
            .option("-Xms16m")
            .option("-XX:+AlwaysPreTouch") // or the heap's own growth would be counted
            .option(collector)
            .run(Fork.classPath(), FullHeap.class.getName(), "10");
    assertThat(number(said, "failed: ")).as(said).isGreaterThan(50);
    assertNothingLost(said);
  }

  @Test
  void aStackThatEndsIsAStackOverflowErrorAndLosesNothing() throws Exception {
    String said = fork().run(Fork.classPath(), DeepStack.class.getName(), Integer.toString(DEPTHS));
    assertThat(number(said, "failed: ")).as(said).isGreaterThan(DEPTHS / 4);
    assertNothingLost(said);
  }

  private static void assertNothingLost(String said) {
    assertThat(said).contains("bits kept: true");
    assertThat(number(said, "users of the weights: ")).as(said).isEqualTo(2);
    assertThat(number(said, "users without layers: ")).as(said).isZero();
    // The workload's own two are gone; a collector starts some.
    assertThat(number(said, "more threads: ")).as(said).isLessThanOrEqualTo(4);
    assertThat(number(said, "grown by KB: ")).as(said).isLessThan(20 << 10);
  }

  @ParameterizedTest
  @ValueSource(ints = {40, 90, 140, 190, 240})
  void exitDoesNotWaitForCallsNorCrashInThem(int milliseconds) throws Exception {
    fork().run(Fork.classPath(), BusyExit.class.getName(), Integer.toString(milliseconds));
  }

  @Test
  void theJvmsOwnCheckOfNativeCodeFindsNothing() throws Exception {
    String said =
        fork()
            .option("-Xcheck:jni")
            .run(Fork.classPath(), EverythingOnce.class.getName(), folder.toString());
    assertThat(said).contains("bits kept: true").contains("\"none\"");
    assertThat(said).doesNotContain("in native method");
  }

  @Test
  void signalsDoNotDisturbCalls() throws Exception {
    String said = fork().run(Fork.classPath(), Signalled.class.getName());
    assertThat(number(said, "calls: ")).isPositive();
  }

  @Test
  void tenThousandVirtualThreadsHearTheirOwnResultsAndErrors() throws Exception {
    Optional<Path> newer = Jdks.newer();
    assumeThat(newer).as("a JDK beside this one that is newer").isPresent();
    String said =
        fork().jdk(newer.orElseThrow()).run(Fork.classPath(), VirtualThreads.class.getName());
    assertThat(said).contains("ended: true").contains("wrong: 0");
    assertThat(number(said, "right: ")).isEqualTo(30_000);
  }

  private static long number(String said, String label) {
    String line = said.lines().filter(l -> l.startsWith(label)).findFirst().orElseThrow();
    return Long.parseLong(line.substring(label.length()));
  }
}
