package consumer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import javax.xml.parsers.DocumentBuilderFactory;
import org.ternarykernels.Activation;
import org.ternarykernels.Alpha;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryLinear;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.TernaryWeights;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Uses the library as a program of its own. {@code launch TOOLCHAINS FOLDER ARCHITECTURES
 * BITNET_ONLY CUTLASS_ONLY} starts this class in other JVMs: on the JDK of the build and the newest
 * one discovered, on class path and module path, each several times at once into an empty cache.
 */
public final class Main {
  private static final int AT_ONCE = 4;
  private static final int FIRST_WITH_SEGMENTS = 22;

  /** What the CUDA jar must hold; empty without that jar. */
  private static List<String> cudaLibraries = List.of();

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length > 0 && arguments[0].equals("launch")) {
      cudaLibraries = CudaJar.libraries(arguments[3], arguments[4], arguments[5]);
      launch(Path.of(arguments[1]), Path.of(arguments[2]));
    } else {
      use();
      if (arguments.length > 0 && arguments[0].equals("cuda")) {
        CudaJar.use();
      }
    }
  }

  private static void use() throws ReflectiveOperationException {
    try (TernaryRuntime runtime = TernaryRuntime.create();
        TernaryWeights weights =
            TernaryWeights.pack(new byte[] {1, -1, 0, 0, 1, 1}, 2, 3, Alpha.row(2, 4));
        TernaryLinear linear =
            TernaryLinear.builder(runtime, weights).activation(Activation.A16).build()) {
      check(linear.apply(new float[] {1, 2, 3}, 1));
      if (Runtime.version().feature() >= FIRST_WITH_SEGMENTS) {
        useSegments(linear);
      }
      if (runtime.pathCounts().isEmpty()) {
        throw new AssertionError("no path was counted");
      }
    }
  }

  /** By reflection, because this source is compiled for a JDK without MemorySegment. */
  private static void useSegments(TernaryLinear linear) throws ReflectiveOperationException {
    Class<?> arenaType = Class.forName("java.lang.foreign.Arena");
    Class<?> segmentType = Class.forName("java.lang.foreign.MemorySegment");
    Object arena = arenaType.getMethod("ofAuto").invoke(null);
    TernaryBuffer[] views = new TernaryBuffer[2];
    for (int i = 0; i < views.length; i++) {
      Object segment =
          arenaType.getMethod("allocate", long.class, long.class).invoke(arena, 12L, 4L);
      long address = (Long) segmentType.getMethod("address").invoke(segment);
      long bytes = (Long) segmentType.getMethod("byteSize").invoke(segment);
      views[i] = TernaryBuffer.ofAddress(address, bytes, DataType.F32, segment);
    }
    views[0].put(0, new float[] {1, 2, 3});
    linear.apply(views[0], views[1].slice(0, 2), 1);
    check(views[1].slice(0, 2).toArray());
    System.out.println("MemorySegment");
  }

  private static void check(float[] y) {
    if (!Arrays.equals(y, new float[] {-2, 20})) {
      throw new AssertionError("Y is " + Arrays.toString(y) + ", must be [-2, 20]");
    }
  }

  private static void launch(Path toolchains, Path folder) throws Exception {
    List<Path> homes = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"))));
    Path newest = newestJdk(toolchains);
    if (newest == null) {
      System.out.println(
          "No JDK " + FIRST_WITH_SEGMENTS + " or newer was found: MemorySegment is not tried.");
    } else {
      homes.add(newest);
    }
    String path = System.getProperty("java.class.path");
    CudaJar.checkContents(path, cudaLibraries);
    for (Path home : homes) {
      run(home, folder, "class path", List.of("-cp", path, "consumer.Main"));
      run(
          home,
          folder,
          "module path",
          List.of("--module-path", path, "--module", "consumer/consumer.Main"));
      cannotExtract(home, folder, path);
    }
  }

  /** A home that nothing can be written to, and how its user is told what to do. */
  private static void cannotExtract(Path home, Path folder, String path) throws Exception {
    Path output = folder.resolve("output-cannot-extract");
    ProcessBuilder builder =
        new ProcessBuilder(
                home.resolve("bin/java").toString(),
                "-Duser.home=/proc",
                "-cp",
                path,
                "consumer.Main")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    builder.environment().clear();
    int status = builder.start().waitFor();
    String text = Files.readString(output);
    if (status != 1
        || !text.contains("UnsatisfiedLinkError: the native libraries cannot be extracted: ")
        || !text.contains(
            "set the system property ternary.cache.dir or the environment variable"
                + " TERNARY_CACHE_DIR")) {
      throw new AssertionError(
          "with a home that is read-only and " + home + " (status " + status + "):\n" + text);
    }
  }

  /**
   * The home of the newest JDK that toolchain discovery found and that has MemorySegment, or null.
   */
  private static Path newestJdk(Path toolchains) throws Exception {
    TreeMap<Integer, Path> byVersion = new TreeMap<>();
    NodeList found =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(toolchains.toFile())
            .getElementsByTagName("toolchain");
    for (int i = 0; i < found.getLength(); i++) {
      Element toolchain = (Element) found.item(i);
      String version = toolchain.getElementsByTagName("version").item(0).getTextContent();
      String home = toolchain.getElementsByTagName("jdkHome").item(0).getTextContent();
      byVersion.put(Integer.parseInt(version.split("[.+-]")[0]), Path.of(home));
    }
    return byVersion.isEmpty() || byVersion.lastKey() < FIRST_WITH_SEGMENTS
        ? null
        : byVersion.lastEntry().getValue();
  }

  private static void run(Path home, Path folder, String how, List<String> arguments)
      throws Exception {
    Path user = Files.createTempDirectory(folder, "home-");
    List<Process> processes = new ArrayList<>();
    List<Path> outputs = new ArrayList<>();
    for (int i = 0; i < AT_ONCE; i++) {
      List<String> command =
          new ArrayList<>(
              List.of(
                  home.resolve("bin/java").toString(),
                  "-Xcheck:jni",
                  "-Xmx64m",
                  "-Duser.home=" + user));
      command.addAll(arguments);
      if (!cudaLibraries.isEmpty()) {
        command.add("cuda");
      }
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().clear();
      builder
          .environment()
          .put("CUDA_VISIBLE_DEVICES", "-1"); // the same test on a machine with a GPU
      outputs.add(user.resolve("output-" + i));
      processes.add(builder.redirectOutput(outputs.get(i).toFile()).start());
    }
    for (int i = 0; i < AT_ONCE; i++) {
      boolean ended = processes.get(i).waitFor(60, TimeUnit.SECONDS);
      String output = Files.readString(outputs.get(i));
      if (!ended
          || processes.get(i).exitValue() != 0
          || output.contains("WARNING in native method")) {
        processes.get(i).destroyForcibly();
        throw new AssertionError("on the " + how + " with " + home + ":\n" + output);
      }
    }
    checkCache(user.resolve(".cache/ternary-kernels"));
    System.out.println(
        AT_ONCE
            + " JVMs at once on the "
            + how
            + " with "
            + home
            + ": "
            + firstLine(outputs.get(0)));
  }

  private static String firstLine(Path output) throws IOException {
    return Files.readAllLines(output).stream()
        .filter(line -> line.equals("MemorySegment"))
        .findFirst()
        .orElse("arrays");
  }

  /**
   * One folder with the three libraries and those of the CUDA jar, and nothing left over from the
   * race.
   */
  private static void checkCache(Path cache) throws IOException {
    try (var folders = Files.list(cache)) {
      List<Path> found = folders.toList();
      if (found.size() != 1) {
        throw new AssertionError(cache + " has " + found);
      }
      try (var files = Files.list(found.get(0))) {
        List<String> names = files.map(file -> file.getFileName().toString()).sorted().toList();
        List<String> expected = new ArrayList<>(List.of("libjniternary.so", "libternary_cpu.so"));
        expected.addAll(cudaLibraries);
        Collections.sort(expected);
        if (!names.equals(expected)) {
          throw new AssertionError(found + " has " + names);
        }
      }
    }
  }
}
