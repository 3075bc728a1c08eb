package org.ternarykernels;

import java.io.IOException;
import java.nio.file.Path;
import org.ternarykernels.binding.ExtractedNatives;

/**
 * Extracts the native libraries ahead of time, for images in which a program may not write: {@code
 * java -cp ternary-kernels.jar org.ternarykernels.Natives DIR}. The system property {@code
 * ternary.library.path} then names the folder.
 *
 * @since 0.2.0
 */
public final class Natives {
  private Natives() {}

  /**
   * Extracts the natives of this jar, and those of the CUDA jar where it is on the class path,
   * checks them and prints the property. Exits with 1 and a sentence if that fails, with 2 for
   * wrong arguments.
   *
   * @param arguments the folder; made if it does not exist
   */
  public static void main(String[] arguments) {
    if (arguments.length != 1 || arguments[0].startsWith("-")) {
      System.err.println("usage: java -cp ternary-kernels.jar org.ternarykernels.Natives DIR");
      System.exit(2);
    }
    try {
      Path folder = Path.of(arguments[0]).toAbsolutePath().normalize();
      ExtractedNatives.write(folder);
      System.out.println("-Dternary.library.path=" + folder);
    } catch (IOException | RuntimeException | UnsatisfiedLinkError e) {
      System.err.println("the natives cannot be extracted: " + e.getMessage());
      System.exit(1);
    }
  }
}
