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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java block of README.md compiles, with the imports that the text beside it names, and prints what it says. */
class ReadmeExampleTest {
  private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void compilesAndRuns(@TempDir Path folder) throws Exception {
    String readme = Files.readString(Path.of(System.getProperty("test.data"), "..", "README.md"));
    Matcher block = BLOCK.matcher(readme);
    assertThat(block.find()).as("README.md has a java block").isTrue();
    Path source = Files.writeString(folder.resolve("Example.java"), "import java.util.Arrays;\nimport org.ternarykernels.*;\n"
        + "public class Example {\n  public static void main(String[] args) {\n" + block.group(1) + "\n  }\n}\n");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int result = compiler.run(null, null, errors, "-cp", System.getProperty("java.class.path"), "-d", folder.toString(),
        source.toString());
    assertThat(result).as(errors.toString(StandardCharsets.UTF_8)).isZero();
    assertThat(run(folder)).containsPattern("^\\[(1\\.0|0\\.99|1\\.00)\\d*, (2\\.0|1\\.99)\\d*, -(0\\.5|0\\.49)\\d*\\] by "
        + "\\{linear\\.[a-z0-9_]+\\.cpu\\.[a-z0-9]+=1\\}");
  }

  private static String run(Path classes) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    try (URLClassLoader loader = new URLClassLoader(List.of(classes.toUri().toURL()).toArray(new URL[0]))) {
      loader.loadClass("Example").getMethod("main", String[].class).invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8);
  }
}
