package org.ternarykernels.loading;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Natives;
import org.ternarykernels.jvm.Fork;

/** Loading in places and states that deployments meet; each in a JVM of its own. */
class FailuresHealTest {
  private static final String RESULT = "[1.007874, 2.0, -0.503937]";
  private static final String PROBE = LoadingProbe.class.getName();

  @TempDir Path folder;

  private Fork fork() {
    return new Fork(folder, Map.of());
  }

  @Test
  void whatFailedOnceIsTriedAgain() throws Exception {
    String said =
        fork()
            .option("-Dternary.cache.dir=/proc/nowhere")
            .run(Fork.classPath(), PROBE, "heal", folder.resolve("cache").toString());
    assertThat(said.lines().filter(line -> line.startsWith("refused: ")))
        .hasSize(2)
        .allSatisfy(line -> assertThat(line).contains("ternary.cache.dir").endsWith("cause true"));
    assertThat(said)
        .containsPattern("available false.*/proc/nowhere")
        .containsPattern("(?m)^available true$")
        .contains(RESULT);
  }

  @Test
  void anInterruptedThreadLoadsAndStaysInterrupted() throws Exception {
    String said =
        fork()
            .option("-Dternary.cache.dir=" + folder.resolve("cache"))
            .run(Fork.classPath(), PROBE, "interrupted");
    assertThat(said).contains(RESULT).contains("interrupted true");
  }

  @Test
  void extractedNativesServeWhereNothingCanBeWritten() throws Exception {
    Path natives = folder.resolve("natives");
    String said = fork().run(Fork.classPath(), Natives.class.getName(), natives.toString());
    assertThat(said).contains("-Dternary.library.path=" + natives);
    Files.setPosixFilePermissions(natives, PosixFilePermissions.fromString("r-xr-xr-x"));
    Fork fork = fork().option("-Dternary.library.path=" + natives);
    fork.option("-Dternary.cache.dir=/proc/nowhere");
    assertThat(fork.run(Fork.classPath(), PROBE, "portable")).contains(RESULT);

    Files.setPosixFilePermissions(natives, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.writeString(natives.resolve("libternary_cpu.so"), "of another version");
    assertThat(reason(fork)).contains("libternary_cpu.so is not the file of this version");
    Files.delete(natives.resolve("libternary_cpu.so"));
    assertThat(reason(fork)).contains("has no libternary_cpu.so").contains(Natives.class.getName());
  }

  private static String reason(Fork fork) throws Exception {
    return fork.run(Fork.classPath(), AvailabilityProbe.class.getName());
  }

  @Test
  void aTrimmedRuntimeHasNoFlightRecorder() throws Exception {
    String said =
        fork()
            .option("--limit-modules=java.base")
            .option("-Dternary.cache.dir=" + folder.resolve("cache"))
            .run(Fork.classPath(), PROBE, "portable");
    assertThat(said).contains(RESULT);
  }

  @Test
  void aHomeThatTheLocaleCannotNameIsNoObstacle() throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    String said =
        new Fork(folder, Map.of("LC_ALL", "C", "TERNARY_CACHE_DIR", "", "XDG_CACHE_HOME", ""))
            .option("-Duser.home=/home/jos\u00e9")
            .option("-Djava.io.tmpdir=" + temporary)
            .run(Fork.classPath(), PROBE, "portable");
    assertThat(said).contains(RESULT);
  }

  @Test
  void aNonAsciiCacheIsLoadedFrom() throws Exception {
    Path cache = folder.resolve("jos\u00e9");
    String said =
        new Fork(folder, Map.of("LC_ALL", "C.UTF-8"))
            .option("-Dternary.cache.dir=" + cache)
            .run(Fork.classPath(), PROBE, "portable");
    assertThat(said).contains(RESULT);
    assertThat(cache).isDirectory();
  }

  @Test
  void javaCppLeavesNoCacheInTheHome() throws Exception {
    Path home = Files.createDirectory(folder.resolve("home"));
    String said =
        new Fork(folder, Map.of("TERNARY_CACHE_DIR", "", "XDG_CACHE_HOME", ""))
            .option("-Duser.home=" + home)
            .run(Fork.classPath(), PROBE, "portable");
    assertThat(said).contains(RESULT);
    assertThat(home.resolve(".cache/ternary-kernels")).isDirectory();
    assertThat(home.resolve(".javacpp")).doesNotExist();
  }

  @Test
  void theSmallestThreadStackOfTheJvmIsEnough() throws Exception {
    String said =
        fork()
            .option("-Xss180k")
            .option("-Dternary.cache.dir=" + folder.resolve("cache"))
            .run(Fork.classPath(), PROBE, "portable");
    assertThat(said).contains(RESULT);
  }

  @Test
  void aRelocatedLibrarySaysSo() throws Exception {
    Path relocated = relocated();
    String said =
        fork()
            .option("-Dternary.cache.dir=" + folder.resolve("cache"))
            .run(Fork.classPath(relocated), "org.ternarykernelz.loading.AvailabilityProbe");
    assertThat(said).contains("do not relocate org.ternarykernels when shading");
  }

  /** What a shading tool makes of library and probe: another package of the same length. */
  private Path relocated() throws IOException {
    Path target = folder.resolve("relocated");
    Path tests = Path.of(PROBE.replace('.', '/') + ".class");
    for (Path source : new Path[] {Fork.library(), testClasses(tests)}) {
      try (Stream<Path> files = Files.walk(source.resolve("org/ternarykernels"))) {
        for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
          Path copy = target.resolve(renamed(source.relativize(file).toString()));
          Files.createDirectories(copy.getParent());
          byte[] bytes = Files.readAllBytes(file);
          if (file.toString().endsWith(".class")) {
            String text = renamed(new String(bytes, StandardCharsets.ISO_8859_1));
            bytes = text.getBytes(StandardCharsets.ISO_8859_1);
          }
          Files.write(copy, bytes);
        }
      }
    }
    return target;
  }

  private static Path testClasses(Path file) {
    return Stream.of(Fork.classPath().split(":"))
        .map(Path::of)
        .filter(entry -> Files.exists(entry.resolve(file)))
        .findFirst()
        .orElseThrow();
  }

  private static String renamed(String text) {
    return text.replace("org/ternarykernels", "org/ternarykernelz")
        .replace("org.ternarykernels", "org.ternarykernelz");
  }
}
