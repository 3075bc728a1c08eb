package org.ternarykernels.tool.options;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.Shape;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/** What {@code --shapes} may name: a bundled shape file, or a file of lines "N K [name]". */
public final class ShapeFiles {
  private ShapeFiles() {}

  /**
   * The shapes of one.
   *
   * @param command whose option it is
   * @throws ParameterException if there is no such file, or a line is no shape
   */
  public static List<Shape> read(CommandLine command, Path wanted) throws IOException {
    if (BundledData.SHAPE_FILES.contains(wanted.toString())) {
      return bundled(wanted.toString());
    }
    try {
      return Shape.parse(wanted.toString(), Files.readString(wanted));
    } catch (NoSuchFileException e) {
      throw new ParameterException(
          command,
          "--shapes is "
              + wanted
              + ", must be a file or one of "
              + String.join(", ", BundledData.SHAPE_FILES),
          e);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(command, e.getMessage(), e);
    }
  }

  /** Those of a bundled file. */
  public static List<Shape> bundled(String name) throws IOException {
    try (BundledData data = new BundledData(null)) {
      return data.shapes(name);
    }
  }

  /** What it is called in results. */
  public static String name(Path wanted) {
    return String.valueOf(wanted.getFileName()).replaceFirst("\\.txt$", "");
  }
}
