package org.ternarykernels.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.jvm.Fork;

/** {@code -Dfuzz.files=} and {@code -Dfuzz.seed=} choose other files. */
class WeightFileFuzzTest {
  @TempDir Path folder;

  @Test
  void everyFileIsLoadedOrRefusedWithASentence() throws Exception {
    Fork fork = new Fork(folder, Map.of()).seconds(1800);
    for (String option :
        new String[] {"-Xms64m", "-Xmx64m", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch"}) {
      fork.option(option);
    }
    assertThat(
            fork.run(
                Fork.classPath(),
                WeightFileFuzz.class.getName(),
                folder.toString(),
                System.getProperty("fuzz.files", "2000"),
                System.getProperty("fuzz.seed", "1")))
        .contains("every file was loaded or refused");
  }
}
