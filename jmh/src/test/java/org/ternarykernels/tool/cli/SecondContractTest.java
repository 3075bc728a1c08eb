package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.DataType;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.Tensor;

/**
 * {@code run} against the second contract, in NumPy: {@code native/tests/differential}. Its tests
 * call the library through C, and have fetched NumPy before these.
 */
class SecondContractTest {
  private static final Path BUILD = ToolRun.TEST_DATA.resolve("../java/target/native");
  private static final Path SCRIPTS = ToolRun.TEST_DATA.resolve("../native/tests/differential");
  private static final int PROBLEMS = 180;
  private static final int WITHOUT_NUMPY = 77;

  @TempDir Path folder;

  @Test
  void everyOperationGivesTheContractsBits() throws Exception {
    makeProblems();
    List<Path> problems;
    try (Stream<Path> files = Files.list(folder)) {
      problems =
          files.filter(file -> file.toString().endsWith(".in.safetensors")).sorted().toList();
    }
    assertThat(problems).hasSize(PROBLEMS);
    int number = 0;
    for (Path in : problems) {
      String[] name = in.getFileName().toString().split("\\.");
      Path out = folder.resolve("out.safetensors");
      String layout = Layout.values()[number++ % 4].name().toLowerCase(Locale.ROOT);
      ToolRun run =
          ToolRun.of(
              "run", "--op", name[1], "--in", in, "--out", out, "--layout", layout, "--threads", 2);
      assertThat(run.exitCode()).as("%s: %s", in, run.err()).isZero();
      assertSame(in, out, folder.resolve(name[0] + "." + name[1] + ".out.safetensors"));
    }
  }

  /** By run.sh, which makes NumPy ready; that takes the network, so only the gate asks for it. */
  private void makeProblems() throws Exception {
    boolean required = "required".equals(System.getenv("TERNARY_NUMPY"));
    assumeThat(required || Files.exists(BUILD.resolve("differential-venv/stamp")))
        .as("NumPy, which ctest second_contract fetches")
        .isTrue();
    Files.createDirectories(BUILD);
    Path log = folder.resolve("log");
    int status =
        new ProcessBuilder(
                SCRIPTS.resolve("run.sh").toString(),
                BUILD.toRealPath().toString(),
                "tool_problems.py",
                folder.toString(),
                "--problems",
                Integer.toString(PROBLEMS))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    assumeThat(status).as(Files.readString(log)).isNotEqualTo(WITHOUT_NUMPY);
    assertThat(status).as(Files.readString(log)).isZero();
  }

  private static void assertSame(Path problem, Path actual, Path expected) {
    try (SafetensorsFile got = SafetensorsFile.open(actual);
        SafetensorsFile wanted = SafetensorsFile.open(expected)) {
      assertThat(got.names()).as("%s", problem).isEqualTo(wanted.names());
      for (String name : wanted.names()) {
        Tensor tensor = wanted.tensor(name);
        assertThat(got.tensor(name).type()).as("%s: %s", problem, name).isEqualTo(tensor.type());
        assertThat(got.tensor(name).shape()).as("%s: %s", problem, name).isEqualTo(tensor.shape());
        assertThat(bits(got.tensor(name))).as("%s: %s", problem, name).isEqualTo(bits(tensor));
      }
    }
  }

  /** Of floats all that tells them apart but the payloads of NaNs. */
  private static int[] bits(Tensor tensor) {
    TernaryBuffer buffer = tensor.toBuffer();
    int[] bits = new int[(int) tensor.elements()];
    for (int i = 0; i < bits.length; i++) {
      bits[i] =
          buffer.dataType() == DataType.I8
              ? (int) buffer.get(i)
              : Float.floatToIntBits(buffer.get(i));
    }
    return bits;
  }
}
