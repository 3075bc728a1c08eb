package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Java blocks of README.md and java/doc/gpu.md compile, with the imports that README names, and
 * print what they say.
 */
class ReadmeExampleTest {
  private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private static final String RESULT =
      "^\\[(1\\.0|0\\.99|1\\.00)\\d*, (2\\.0|1\\.99)\\d*, -(0\\.5|0\\.49|0\\.50)\\d*\\] by "
          + "\\{linear\\.[a-z0-9_]+\\.";

  /** Compiles one of the so many blocks of a document. */
  private static Path compile(String document, int number, int blocks, Path folder)
      throws Exception {
    String text = Files.readString(Path.of(System.getProperty("test.data"), "..", document));
    List<MatchResult> found = BLOCK.matcher(text).results().toList();
    assertThat(found).as("java blocks of %s", document).hasSize(blocks);
    Path source =
        Files.writeString(
            folder.resolve("Example.java"),
            "import java.util.Arrays;\nimport org.ternarykernels.*;\n"
                + "public class Example {\n  public static void main(String[] args) {\n"
                + found.get(number).group(1)
                + "\n  }\n}\n");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int result =
        compiler.run(
            null,
            null,
            errors,
            "-cp",
            System.getProperty("java.class.path"),
            "-d",
            folder.toString(),
            source.toString());
    assertThat(result).as(errors.toString(StandardCharsets.UTF_8)).isZero();
    return folder;
  }

  @Test
  void compilesAndRuns(@TempDir Path folder) throws Exception {
    String device = TestDevice.isCpu() ? "cpu\\.[a-z0-9]+" : "cuda\\.sm[a-z0-9]+";
    assertThat(run(compile("README.md", 0, 2, folder))).containsPattern(RESULT + device + "=1\\}");
  }

  @Test
  void theLayerOfExpertsCompilesAndRuns(@TempDir Path folder) throws Exception {
    Path classes = compile("README.md", 1, 2, folder);
    if (TestDevice.isCpu()) { // experts run there alone
      assertThat(run(classes)).containsPattern("^\\[-31\\.4\\d*, 31\\.4\\d*\\] by experts \\[1\\]");
    }
  }

  @Test
  void theOneForGpusCompiles(@TempDir Path folder) throws Exception {
    assertThat(compile("java/doc/gpu.md", 0, 1, folder).resolve("Example.class")).exists();
  }

  @Test
  @Tag("gpu")
  void theOneForGpusRuns(@TempDir Path folder) throws Exception {
    assertThat(run(compile("java/doc/gpu.md", 0, 1, folder)))
        .containsPattern(RESULT + "cuda\\.sm[a-z0-9]+=1\\} on \\S");
  }

  private static String run(Path classes) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try (URLClassLoader loader =
        new URLClassLoader(List.of(classes.toUri().toURL()).toArray(new URL[0]))) {
      loader
          .loadClass("Example")
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8);
  }
}
