package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is said where something of CUDA is missing. Each case is a JVM of its own: what has been
 * loaded stays loaded.
 */
class CudaMissingTest {
  private static final String CUDA_JAR =
      "the jar of ternary-kernels with the classifier linux-x86_64-cuda is not on the class path";

  @TempDir Path folder;

  /** What {@link DeviceProbe} said, standard output first. */
  private record Said(String out, String log) {}

  private Said probe(
      Predicate<String> classPath, Map<String, String> environment, String... actions)
      throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(System.getProperty("java.home") + "/bin/java", "-Xcheck:jni", "-Xmx256m"));
    for (String property : new String[] {"ternary.cache.dir", "ternary.cuda.runtime"}) {
      if (System.getProperty(property) != null) {
        command.add("-D" + property + "=" + System.getProperty(property));
      }
    }
    command.addAll(
        List.of(
            "-cp",
            Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(classPath)
                .collect(Collectors.joining(File.pathSeparator)),
            "org.ternarykernels.DeviceProbe"));
    command.addAll(List.of(actions));
    Path out = folder.resolve("out");
    Path log = folder.resolve("log");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(log.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
    Said said =
        new Said(
            Files.readString(out, StandardCharsets.UTF_8),
            Files.readString(log, StandardCharsets.UTF_8));
    assertThat(process.exitValue()).as("%s", said).isZero();
    return said;
  }

  /** The folder or jar with the kernels for GPUs. */
  private static boolean hasCudaLibraries(String entry) {
    return Files.exists(Path.of(entry, "org", "ternarykernels", "cuda"))
        || Path.of(entry).getFileName().toString().endsWith("-linux-x86_64-cuda.jar");
  }

  private static boolean hasPresets(String entry) {
    return Path.of(entry).getFileName().toString().matches("cuda-\\d.*\\.jar");
  }

  @Test
  void withoutTheCudaJarCudaIsAnExceptionAndAutoTheCpu() throws Exception {
    Said said =
        probe(
            entry -> !hasCudaLibraries(entry),
            Map.of(),
            "open:cuda",
            "open:auto",
            "open:auto",
            "product:auto",
            "open:cpu",
            "open:cuda:x");
    assertThat(said.out)
        .contains("open:cuda throws TernaryException: TERNARY_DEVICE is \"cuda\": ")
        .contains(CUDA_JAR)
        .contains("open:auto gives cpu because ")
        .contains("product:auto gives about 35")
        .contains("open:cpu gives cpu because \n")
        .contains("open:cuda:x throws IllegalArgumentException: TERNARY_DEVICE is \"cuda:x\"");
    assertThat(said.log.lines().filter(line -> line.contains("The device auto is the CPU here")))
        .as(said.log)
        .hasSize(1)
        .allSatisfy(line -> assertThat(line).contains("WARN").contains(CUDA_JAR));
  }

  @Test
  @Tag("gpu")
  void withoutADeviceItIsNamed() throws Exception {
    Said said =
        probe(
            entry -> true,
            Map.of("SOFTGPU_DEVICES", "0", "CUDA_VISIBLE_DEVICES", "-1"),
            "open:cuda",
            "open:auto");
    assertThat(said.out)
        .containsPattern(
            "open:cuda throws TernaryException: TERNARY_DEVICE is \"cuda\": .*[Dd]evice")
        .contains("open:auto gives cpu because ")
        .doesNotContain(CUDA_JAR);
    assertThat(said.log).contains("The device auto is the CPU here");
  }

  @Test
  @Tag("gpu")
  void aDeviceThatIsNotThereIsNamed() throws Exception {
    Said said = probe(entry -> true, Map.of(), "open:cuda:63", "open:cuda:0", "buffer:cuda");
    assertThat(said.out)
        .containsPattern(
            "open:cuda:63 throws TernaryException: TERNARY_DEVICE is \"cuda:63\": .*63")
        .contains("open:cuda:0 gives cuda:0 because")
        .contains("buffer:cuda gives 4 elements of cuda:0");
  }

  @Test
  @Tag("gpu")
  void withoutThePresetsHostMemoryIsServedAndDeviceBuffersNameThem() throws Exception {
    Said said = probe(entry -> !hasPresets(entry), Map.of(), "product:cuda", "buffer:cuda");
    assertThat(said.out)
        .contains("product:cuda gives about 35")
        .contains(
            "buffer:cuda throws TernaryException: the CUDA presets for JavaCPP cannot be used")
        .contains("org.bytedeco:cuda:13.1-9.19-1.5.13 must be on the class path");
  }

  @Test
  @Tag("gpu")
  @Tag("softgpu")
  void anOldDriverIsNamed() throws Exception {
    Said said = probe(entry -> true, Map.of("SOFTGPU_DRIVER", "old"), "open:cuda", "product:auto");
    assertThat(said.out)
        .containsPattern("open:cuda throws TernaryException: .*driver")
        .contains("product:auto gives about 35");
  }

  @Test
  @Tag("gpu")
  @Tag("softgpu")
  void aGpuThatNoLibraryHasCodeForIsServedByPtxOnlyIfAskedFor() throws Exception {
    Said said =
        probe(
            entry -> true,
            Map.of("SOFTGPU_ARCH", "101"),
            "open:auto",
            "open:cuda",
            "open:cuda",
            "product:cuda");
    assertThat(said.out)
        .containsPattern(
            "open:auto gives cpu because .*compute capability 10.1.* TERNARY_DEVICE=cuda would"
                + " have the driver compile the PTX of libternary_bitnet_sm80.so")
        .contains("open:cuda gives cuda:0 because")
        .contains("product:cuda gives about 35");
    assertThat(said.log.lines().filter(line -> line.contains("the driver has compiled the PTX")))
        .as(said.log)
        .hasSize(1)
        .allSatisfy(line -> assertThat(line).contains("WARN").contains("10.1"));
  }

  @Test
  @Tag("gpu")
  @Tag("softgpu")
  void buffersOfAnotherDeviceAreRefused() throws Exception {
    Said said =
        probe(
            entry -> true,
            Map.of("SOFTGPU_DEVICES", "2"),
            "open:cuda:1",
            "product:cuda:1",
            "buffer:cuda:1",
            "mixed:cuda:0,cuda:1");
    assertThat(said.out)
        .contains("open:cuda:1 gives cuda:1")
        .contains("product:cuda:1 gives about 35")
        .contains("buffer:cuda:1 gives 4 elements of cuda:1")
        .contains(
            "mixed:cuda:0,cuda:1 throws IllegalArgumentException: "
                + "x is memory of cuda:1, must be of cuda:0 like the runtime");
  }
}
