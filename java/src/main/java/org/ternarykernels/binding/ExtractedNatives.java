package org.ternarykernels.binding;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes what {@link InstalledFiles} checks. */
public final class ExtractedNatives {
  private ExtractedNatives() {}

  /**
   * Writes the natives of this platform and reads them back. Everybody may read and run them.
   *
   * @param folder to write to; made if it does not exist
   * @throws IOException if a file cannot be written, or is not what was written
   */
  public static void write(Path folder) throws IOException {
    String platform = Platforms.current();
    Map<String, byte[]> files = new LinkedHashMap<>(NativeLibraries.files(platform));
    files.putAll(CudaLibraries.files(platform));
    Files.createDirectories(folder);
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      Path target = folder.resolve(file.getKey());
      if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)
          && !Files.isRegularFile(target, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException(target + " exists and is no regular file, must be one");
      }
      PlainFiles.Content content = PlainFiles.Content.of(file.getValue());
      PlainFiles.replace(target, content, "rwxr-xr-x");
      if (!PlainFiles.holds(target, content)) {
        throw new IOException(target + " is not what was written to it");
      }
    }
  }
}
