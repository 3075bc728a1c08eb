package org.ternarykernels.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;

/**
 * A library linked with {@code -ffast-math} leaves flush-to-zero and denormals-are-zero on in the
 * thread that loads it. The logits keep their bits all the same. In a JVM of its own, because
 * {@code -Xcheck:jni} and JDKs from 21 on undo what such a library did.
 */
class FlushedDenormalsTest {
  @TempDir Path folder;

  @Test
  void logitsKeepTheirBitsWhereALibraryLeftDenormalsFlushed() throws Exception {
    Path source =
        Files.writeString(folder.resolve("fast.cc"), "extern \"C\" int fast() { return 1; }\n");
    Path library = folder.resolve("libfast.so");
    run(List.of("g++", "-shared", "-fPIC", "-Ofast", "-o", library.toString(), source.toString()));
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String data = "-Dtest.data=" + System.getProperty("test.data");
    String main = FlushedDenormalsTest.class.getName();
    List<String> printed =
        run(List.of(java, data, "-cp", classPath, main, library.toString())).lines().toList();
    if (Runtime.version().feature() < 21) {
      assertThat(printed.get(0)).as("denormals are flushed").isEqualTo("true");
    }
    assertThat(printed.get(1)).isEqualTo(Integer.toString(logits()));
  }

  private static String run(List<String> command) throws Exception {
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as("%s", command).isZero();
    return printed;
  }

  /** The other JVM: prints whether denormals are flushed, and a hash of the logits' bits. */
  public static void main(String[] arguments) throws Exception {
    System.load(arguments[0]);
    float smallest = Float.parseFloat("1.17549435E-38");
    int hash = logits();
    System.out.println(smallest / 2 == 0);
    System.out.println(hash);
  }

  private static int logits() throws Exception {
    int[] tokens = Arrays.copyOfRange(TinyBitNet.text(), 2000, 2064);
    try (TernaryRuntime runtime = TernaryRuntime.builder().threads(2).build();
        Model model = Model.load(runtime, TinyBitNet.FOLDER)) {
      return Arrays.deepHashCode(TinyBitNet.logits(model, tokens, 16));
    }
  }
}
