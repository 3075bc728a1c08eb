package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compiles and runs the first Java block of the README, statements that need {@code java.util.Arrays} and this package.
 * It must print {@code [outputs] by {path=calls}} with the outputs that its comment {@code // ... about ...} promises.
 */
class ReadmeExampleTest {
  private static final Pattern BLOCK = Pattern.compile("```java\\R(.*?)```", Pattern.DOTALL);
  private static final Pattern PROMISE = Pattern.compile("//.*about (.*)");
  private static final Pattern PRINTED = Pattern.compile("\\[(.*)] by \\{linear\\.\\w+\\.cpu\\.\\w+=1}");
  /** a/254 * sum|w * alpha| for a = 4 and rows of at most three weights of 0.5, and a little for fp32. */
  private static final double BOUND = 4.0 / 254 * 1.5 + 1e-6;

  @TempDir Path folder;

  @Test
  void theExampleCompilesRunsAndPrintsWhatItPromises() throws Exception {
    Matcher block = BLOCK.matcher(Files.readString(Path.of("..", "README.md")));
    assertThat(block.find()).as("README.md has a ```java block").isTrue();
    Matcher promise = PROMISE.matcher(block.group(1));
    assertThat(promise.find()).as("the block says what comes out: // ... about ...").isTrue();
    double[] promised = numbers(promise.group(1));
    compile(block.group(1));
    List<String> lines = run();
    assertThat(lines).hasSize(1);
    Matcher printed = PRINTED.matcher(lines.get(0));
    assertThat(printed.matches()).as(lines.get(0)).isTrue();
    assertThat(numbers(printed.group(1))).hasSize(3).containsExactly(promised, within(BOUND));
  }

  private static double[] numbers(String text) {
    return Pattern.compile("-?\\d+(\\.\\d+)?").matcher(text).results().mapToDouble(hit -> Double.parseDouble(hit.group()))
        .toArray();
  }

  private void compile(String statements) throws Exception {
    Path source = folder.resolve("ReadmeExample.java");
    Files.writeString(source, "import java.util.Arrays;\nimport org.ternarykernels.*;\n"
        + "public class ReadmeExample {\npublic static void main(String[] arguments) throws Exception {\n" + statements
        + "}\n}\n");
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int status = ToolProvider.getSystemJavaCompiler().run(null, null, errors, "-proc:none", "-encoding", "UTF-8", "-d",
        folder.toString(), "-cp",
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")), source.toString());
    assertThat(status).as(errors.toString(StandardCharsets.UTF_8)).isZero();
  }

  private List<String> run() throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader.loadClass("ReadmeExample").getMethod("main", String[].class).invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    return printed.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
