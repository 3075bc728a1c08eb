package org.ternarykernels;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.ternarykernels.io.SafetensorsWriter;

/** Run by {@link SaveAndLoadTest} where no file can become as large as these. */
final class FullDiskProbe {
  private FullDiskProbe() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Files.createDirectory(Path.of(arguments[0], "disk"));
    Path file = folder.resolve("w");
    try (TernaryWeights small = TernaryWeights.pack(new byte[16], 1, 16, Alpha.tensor(5));
        TernaryWeights large =
            TernaryWeights.pack(new byte[1 << 20], 1024, 1024, Alpha.tensor(1))) {
      small.save(file);
      attempt("save", () -> large.save(file));
      float[] values = new float[1 << 20];
      attempt("write", () -> new SafetensorsWriter().put("x", values, 1 << 20).write(file));
    }
    try (TernaryWeights old = TernaryWeights.load(file);
        Stream<Path> left = Files.list(folder)) {
      System.out.println("old file: " + old.alpha().values()[0]);
      System.out.println("left: " + left.map(Path::getFileName).toList());
    }
  }

  private static void attempt(String what, Runnable call) {
    try {
      call.run();
      System.out.println(what + ": no exception");
    } catch (UncheckedIOException e) {
      System.out.println(what + ": " + e);
    }
  }
}
