package org.ternarykernels.hostile;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.jvm.Fork;

/**
 * Half a minute of 64 threads keeps the bits and grows by nothing. {@code -Dsoak.seconds=} chooses
 * another time; the profile long-tests takes ten minutes.
 */
class SoakTest {
  private static final int SECONDS = Integer.getInteger("soak.seconds", 30);

  @TempDir Path folder;

  @Test
  void manyThreadsKeepTheirBitsAndHoldNothingBack() throws Exception {
    String said =
        new Fork(folder, Map.of())
            .option("-Xmx256m")
            .option("-Dternary.cache.dir=" + folder.resolve("cache"))
            .option("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
            .seconds(SECONDS + 200)
            .run(
                Fork.classPath(),
                Soak.class.getName(),
                Integer.toString(SECONDS),
                "64",
                folder.toString());
    assertThat(number(said, "grown by KB: ")).as(said).isLessThan(96 << 10);
    assertThat(number(said, "more descriptors: ")).as(said).isLessThan(80);
    assertThat(number(said, "more threads: ")).as(said).isLessThan(80);
    assertThat(number(said, "threads at the end: ")).as(said).isLessThan(40);
  }

  private static long number(String said, String label) {
    String line = said.lines().filter(l -> l.startsWith(label)).findFirst().orElseThrow();
    return Long.parseLong(line.substring(label.length()));
  }
}
