package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.jvm.Fork;

/** The file of {@code TERNARY_SETTINGS}: who wins over it, and what is said of a bad one. */
class SettingsFileTest {
  @TempDir Path folder;

  /** Prints where the runtime of this process has its threads and splits from. */
  static final class Program {
    public static void main(String[] arguments) {
      try (TernaryRuntime runtime = TernaryRuntime.create()) {
        for (String name : new String[] {"TERNARY_NUM_THREADS", "TERNARY_I2S_SPLITS"}) {
          System.out.println(setting(runtime, name));
        }
      }
    }
  }

  /** {@code "3 file"} of threads that come from a file. */
  private static String setting(TernaryRuntime runtime, String name) {
    String info = runtime.infoJson();
    int at = info.indexOf("{\"name\":\"" + name + "\"");
    String[] words = info.substring(at, info.indexOf('}', at)).split("\"");
    return words[7] + " " + words[11];
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @Test
  void builderPropertyEnvironmentAndFileWinInThisOrder() throws Exception {
    Path file = file("my.settings", "# ours\nTERNARY_NUM_THREADS=3\nTERNARY_I2S_SPLITS=4\n");
    try (TernaryRuntime runtime = TernaryRuntime.builder().settings(file).i2sSplits(5).build()) {
      assertThat(setting(runtime, "TERNARY_NUM_THREADS")).isEqualTo("3 file");
      assertThat(setting(runtime, "TERNARY_I2S_SPLITS")).isEqualTo("5 caller");
    }
    Map<String, String> environment =
        Map.of("TERNARY_SETTINGS", file.toString(), "TERNARY_I2S_SPLITS", "6");
    assertThat(new Fork(folder, environment).run(Fork.classPath(), Program.class.getName()))
        .containsSubsequence("3 file", "6 environment");
    assertThat(
            new Fork(folder, environment)
                .option("-Dternary.i2s.splits=7")
                .run(Fork.classPath(), Program.class.getName()))
        .containsSubsequence("3 file", "7 caller");
    Path other = file("other.settings", "TERNARY_NUM_THREADS=2\n");
    assertThat(
            new Fork(folder, environment)
                .option("-Dternary.settings=" + other)
                .run(Fork.classPath(), Program.class.getName()))
        .containsSubsequence("2 file", "6 environment");
  }

  @Test
  void aBadFileIsRefusedWithItsLine() throws IOException {
    Path file = file("bad.settings", "TERNARY_I2S_ONLY=1\nTERNARY_NUM_THREADS=many\n");
    assertThatThrownBy(() -> TernaryRuntime.builder().settings(file).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "TERNARY_SETTINGS: %s, line 2: TERNARY_NUM_THREADS is \"many\"; it must be a whole"
                + " number from 1 to 1024",
            file);
    Path device = file("device.settings", "TERNARY_DEVICE=cuda\n");
    assertThatThrownBy(() -> TernaryRuntime.builder().settings(device).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("line 1: TERNARY_DEVICE may not be in a file");
    Path missing = folder.resolve("missing.settings");
    assertThatThrownBy(() -> TernaryRuntime.builder().settings(missing).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("TERNARY_SETTINGS: %s cannot be read: No such file or directory", missing);
    assertThatThrownBy(() -> TernaryRuntime.builder().settings(null))
        .hasMessage("TERNARY_SETTINGS is null, must be given");
  }
}
