package consumer;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import org.ternarykernels.Device;
import org.ternarykernels.TernaryException;
import org.ternarykernels.TernaryRuntime;

/**
 * The jar with the classifier {@code linux-x86_64-cuda}: what is in it, and that it serves on a
 * machine without a GPU.
 */
final class CudaJar {
  private static final String CLASSIFIER = "-linux-x86_64-cuda.jar";
  private static final Pattern MAIN_JAR = Pattern.compile("ternary-kernels-[0-9.]+\\.jar");
  private static final String FOLDER = "org/ternarykernels/cuda/linux-x86_64/";
  private static final String RUNTIME = "libcudart.so.13";
  private static final String CUTLASS = "libternary_cutlass_sm100a.so";

  private CudaJar() {}

  /**
   * The libraries of the jar for a list of architectures like {@code 80,90a}; none for {@code
   * none}. The last two are {@code true} where the build was told to make only those.
   */
  static List<String> libraries(String architectures, String bitnetOnly, String cutlassOnly) {
    List<String> names = new ArrayList<>();
    if (!architectures.equals("none")) {
      for (String architecture : architectures.split("[,;]")) {
        if (!cutlassOnly.equals("true")) {
          names.add("libternary_bitnet_sm" + architecture + ".so");
        }
        if (architecture.equals("100f") && !bitnetOnly.equals("true")) {
          names.add(CUTLASS);
        }
      }
      names.add(RUNTIME);
    }
    Collections.sort(names);
    return names;
  }

  /** {@code auto} computes on the CPU and says why, {@code cuda} says what is missing. */
  static void use() {
    try (TernaryRuntime runtime = TernaryRuntime.builder().device("auto").build()) {
      Device device = runtime.device();
      if (device.isCuda() || device.reason().isEmpty()) {
        throw new AssertionError("auto without a GPU is " + device);
      }
      System.out.println(device.reason());
    }
    try (TernaryRuntime runtime = TernaryRuntime.builder().device("cuda").build()) {
      throw new AssertionError("cuda without a GPU is " + runtime.device());
    } catch (TernaryException e) {
      System.out.println(e.getMessage());
    }
  }

  /**
   * The main jar has nothing of CUDA, the CUDA jar what it must have and nothing else, and neither
   * the software GPU.
   */
  static void checkContents(String path, List<String> libraries) throws IOException {
    for (String file : path.split(File.pathSeparator)) {
      String name = new File(file).getName();
      if (!MAIN_JAR.matcher(name).matches() && !name.endsWith(CLASSIFIER)) {
        continue;
      }
      try (JarFile jar = new JarFile(file)) {
        List<String> found = new ArrayList<>();
        for (JarEntry entry : Collections.list(jar.entries())) {
          String entryName = entry.getName();
          if (entryName.startsWith(FOLDER) && !entry.isDirectory()) {
            found.add(entryName.substring(FOLDER.length()));
          }
          String content =
              new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.ISO_8859_1);
          if (entryName.contains(".so") && content.contains("softgpu")) {
            throw new AssertionError(
                entryName + " of " + name + " is of the software GPU, which is for tests only");
          }
        }
        List<String> expected = new ArrayList<>();
        if (name.endsWith(CLASSIFIER)) {
          expected.addAll(libraries);
          expected.addAll(List.of("libcudart-LICENSE.txt", "natives.txt"));
          if (libraries.contains(CUTLASS)) {
            expected.add("libternary_cutlass-LICENSE.txt");
          }
        }
        Collections.sort(expected);
        Collections.sort(found);
        if (!found.equals(expected)) {
          throw new AssertionError(name + " has " + found + ", must have " + expected);
        }
      }
    }
  }
}
