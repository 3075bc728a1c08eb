package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compiles and runs the first Java block of the README. Its {@code println(...)} lines that end in a comment must print
 * what the comment says, in order; {@code ...} in a comment stands for anything. The block is a list of imports and
 * statements.
 */
class ReadmeExampleTest {
  private static final Pattern BLOCK = Pattern.compile("```java\\R(.*?)```", Pattern.DOTALL);
  private static final Pattern PRINTED = Pattern.compile("println\\(.*\\);\\s*//\\s*(.*)");

  @TempDir Path folder;

  @Test
  void theExampleCompilesRunsAndPrintsWhatItSays() throws Exception {
    Matcher block = BLOCK.matcher(Files.readString(Path.of("..", "README.md")));
    assertThat(block.find()).as("README.md has a ```java block").isTrue();
    List<String> printed = run(compile(block.group(1)));
    List<String> promised = new ArrayList<>();
    Matcher comments = PRINTED.matcher(block.group(1));
    while (comments.find()) {
      promised.add(comments.group(1).strip());
    }
    assertThat(promised).as("println lines with a comment that says what they print").isNotEmpty();
    assertThat(printed).hasSameSizeAs(promised);
    for (int i = 0; i < promised.size(); i++) {
      assertThat(printed.get(i)).matches(Pattern.quote(promised.get(i)).replace("...", "\\E.*\\Q"));
    }
  }

  private Path compile(String block) throws Exception {
    StringBuilder imports = new StringBuilder();
    StringBuilder statements = new StringBuilder();
    block.lines().forEach(line -> (line.startsWith("import ") ? imports : statements).append(line).append('\n'));
    Path source = folder.resolve("ReadmeExample.java");
    Files.writeString(source, imports + "public class ReadmeExample {\n"
        + "public static void main(String[] arguments) throws Exception {\n" + statements + "}\n}\n");
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int status = ToolProvider.getSystemJavaCompiler().run(null, null, errors, "-proc:none", "-d", folder.toString(), "-cp",
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")), source.toString());
    assertThat(status).as(errors.toString(StandardCharsets.UTF_8)).isZero();
    return folder;
  }

  private static List<String> run(Path classes) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      loader.loadClass("ReadmeExample").getMethod("main", String[].class).invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    return printed.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
