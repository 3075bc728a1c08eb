package org.ternarykernels.loading;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.jvm.Fork;

/** Any number of class loaders and versions in one process, each collectable. */
class ClassLoadersTest {
  private static final String RESULT = "[1.007874, 2.0, -0.503937]";
  private static final String OTHER = "9.9.9";

  @TempDir Path folder;

  private Fork fork() throws IOException {
    return new Fork(folder, Map.of())
        .option("-Dternary.cache.dir=" + folder.resolve("cache"))
        .option("-Dlib=" + Fork.classPath())
        .option("-Dother=" + Fork.classPath(otherVersion()));
  }

  /** The library as another release: other natives, which say another version. */
  private Path otherVersion() throws IOException {
    Path copy = folder.resolve("other");
    Path library = Fork.library();
    try (Stream<Path> files = Files.walk(library)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path target = copy.resolve(library.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(target);
        } else {
          Files.copy(file, target);
        }
      }
    }
    Path binding = copy.resolve("org/ternarykernels/binding");
    Files.writeString(binding.resolve("version.txt"), OTHER);
    Path natives = binding.resolve("linux-x86_64/libjniternary.so");
    // Latin-1 gives each byte a character, and back.
    String text = new String(Files.readAllBytes(natives), StandardCharsets.ISO_8859_1);
    String patched = text.replace("\0" + TernaryRuntime.version() + "\0", "\0" + OTHER + "\0");
    assertThat(patched).hasSameSizeAs(text).isNotEqualTo(text);
    Files.write(natives, patched.getBytes(StandardCharsets.ISO_8859_1));
    return copy;
  }

  @Test
  void eachHasItsOwnResultsSettingsCountersAndVersion() throws Exception {
    String said = fork().run(Fork.classPath(), LoadingProbe.class.getName(), "together");
    assertThat(said)
        .contains("a " + RESULT)
        .contains("b " + RESULT + RESULT + "{linear.gemv_a8_i2s.cpu.avx2=2}")
        .contains("c " + RESULT)
        .contains("a unchanged: true")
        .contains(".cpu.portable=1}")
        .contains("versions " + TernaryRuntime.version() + " " + OTHER);
  }

  @Test
  void eachWritesItsOwnReportAndSaysWhere() throws Exception {
    String report = folder.resolve("paths.json").toString();
    String said =
        fork()
            .option("-Dternary.path.report=" + report)
            .run(Fork.classPath(), LoadingProbe.class.getName(), "together");
    assertThat(said)
        .contains("Class loader 2 of this process", report.replace(".json", "-2.json"))
        .contains("Class loader 3 of this process", report.replace(".json", "-3.json"))
        .doesNotContain("Class loader 1 of this process");
    assertThat(folder.resolve("paths.json")).content().contains("cpu.portable\":1");
    assertThat(folder.resolve("paths-2.json")).content().contains("gemv_a8_i2s.cpu.avx2\":2");
    assertThat(folder.resolve("paths-3.json")).content().contains("cpu.portable\":1");
  }

  @Test
  void twentyRedeploymentsLeaveNothingBehind() throws Exception {
    String said =
        fork().option("-Xmx256m").run(Fork.classPath(), LoadingProbe.class.getName(), "redeploy");
    assertThat(number(said, "grown by KB: ")).as(said).isLessThan(64 << 10);
    assertThat(number(said, "more threads: ")).as(said).isLessThanOrEqualTo(3);
    assertThat(number(said, "more descriptors: ")).as(said).isLessThanOrEqualTo(3);
    assertThat(number(said, "mapped copies: ")).as(said).isLessThanOrEqualTo(1);
    assertThat(number(said, "mapped backends: ")).as(said).isLessThanOrEqualTo(2);
    try (Stream<Path> files = Files.walk(folder.resolve("cache"))) {
      List<String> names = files.map(file -> file.getFileName().toString()).toList();
      assertThat(names).noneMatch(name -> name.endsWith(".tmp") || name.contains("libjniternary-"));
    }
  }

  @Test
  void theFlightRecorderKeepsNoneAndLosesNoCount() throws Exception {
    Path recording = folder.resolve("recording.jfr");
    String said =
        fork()
            .run(Fork.classPath(), LoadingProbe.class.getName(), "recorded", recording.toString());
    assertThat(said).contains("collected: true");
    assertThat(events(recording, "Call")).hasSize(3);
    assertThat(events(recording, "PathCount"))
        .extracting(event -> event.getString("runtime") + " " + event.getLong("count"))
        .contains("1 1", "2.1 1", "3.1 1");
  }

  @Test
  void aRecordingOfTheWholeProcessHasTheCountsBesideTheReport() throws Exception {
    Path recording = folder.resolve("recording.jfr");
    Path report = folder.resolve("report.json");
    fork()
        .option("-Dternary.path.report=" + report)
        .option(
            "-XX:StartFlightRecording:dumponexit=true,+org.ternarykernels.Call#threshold=0ms,filename="
                + recording)
        .run(Fork.classPath(), LoadingProbe.class.getName(), "left");
    assertThat(events(recording, "Call")).hasSize(1);
    assertThat(events(recording, "PathCount"))
        .extracting(event -> event.getString("path") + "\":" + event.getLong("count"))
        .hasSize(1)
        .allSatisfy(count -> assertThat(report).content().contains(count));
  }

  private static List<RecordedEvent> events(Path recording, String name) throws IOException {
    return RecordingFile.readAllEvents(recording).stream()
        .filter(event -> event.getEventType().getName().equals("org.ternarykernels." + name))
        .toList();
  }

  private static long number(String said, String label) {
    String line = said.lines().filter(l -> l.startsWith(label)).findFirst().orElseThrow();
    return Long.parseLong(line.substring(label.length()));
  }
}
