package org.ternarykernels.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the sources of all modules must look like. */
class SourcesTest {
  private static final Path REPOSITORY = Path.of(System.getProperty("test.data")).resolve("..");

  private static final List<String> MODULES = List.of("java", "java/examples", "jmh");

  private static final int MOST_FILES = 25;

  /** The public types stay in one package, and their tests with them. */
  private static final Set<String> UNLIMITED =
      Set.of("java/src/main/java/org/ternarykernels", "java/src/test/java/org/ternarykernels");

  private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([\\w.]+);");
  private static final Pattern TYPE =
      Pattern.compile("\\b(org\\.ternarykernels(?:\\.[a-z]\\w*)*)\\.([A-Z]\\w*)");
  private static final Pattern COMMENT_OR_TEXT =
      Pattern.compile("(?s)/\\*.*?\\*/|//[^\\n]*|\"(?:\\\\.|[^\"\\\\\\n])*\"");

  private static Path folder(String module, String kind) {
    return REPOSITORY.resolve(module).resolve("src").resolve(kind);
  }

  private static List<Path> javaFiles(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(file -> file.toString().endsWith(".java")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String code(Path file) {
    try {
      return COMMENT_OR_TEXT.matcher(Files.readString(file)).replaceAll("");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"main/java", "test/java", "cuda/java"})
  void sourcesUsePackagesBelowTheirOwn(String kind) {
    List<Path> files =
        MODULES.stream()
            .flatMap(module -> javaFiles(folder(module, kind)).stream())
            .filter(file -> !file.endsWith("module-info.java"))
            .toList();
    assertThat(files).isNotEmpty();
    Map<String, String> packages = new TreeMap<>();
    for (Path file : files) {
      String name = packageOf(code(file));
      packages.put(name + "." + file.getFileName().toString().replace(".java", ""), name);
    }
    List<String> complaints = new ArrayList<>();
    for (Path file : files) {
      String code = code(file);
      String from = packageOf(code);
      for (String type : typesIn(code)) {
        String to = packages.get(type);
        if (to != null && !(PackageOrder.isInternal(from) && to.equals(PackageOrder.ROOT))) {
          String complaint = PackageOrder.complaint(from, to);
          if (!complaint.isEmpty()) {
            complaints.add(REPOSITORY.relativize(file) + " uses " + type + ": " + complaint);
          }
        }
      }
    }
    assertThat(complaints).isEmpty();
  }

  private static String packageOf(String code) {
    Matcher matcher = PACKAGE.matcher(code);
    assertThat(matcher.find()).isTrue();
    return matcher.group(1);
  }

  private static Set<String> typesIn(String code) {
    return TYPE.matcher(code)
        .results()
        .map(match -> match.group(1) + "." + match.group(2))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void noFolderHasMoreThan25SourceFiles() {
    Map<String, Long> sizes =
        MODULES.stream()
            .flatMap(module -> javaFiles(REPOSITORY.resolve(module).resolve("src")).stream())
            .collect(
                Collectors.groupingBy(
                    file -> REPOSITORY.relativize(file.getParent()).toString(),
                    TreeMap::new,
                    Collectors.counting()));
    assertThat(sizes).containsKeys(UNLIMITED.toArray(String[]::new));
    sizes.keySet().removeAll(UNLIMITED);
    assertThat(sizes)
        .allSatisfy((folder, files) -> assertThat(files).isLessThanOrEqualTo(MOST_FILES));
  }
}
