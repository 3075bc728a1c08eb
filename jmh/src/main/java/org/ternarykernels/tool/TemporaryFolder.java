package org.ternarykernels.tool;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A folder of files that goes when it is closed, and also when Ctrl-C or SIGTERM ends the JVM. */
final class TemporaryFolder implements AutoCloseable {
  private final Path path;
  private final Thread hook;

  TemporaryFolder(String prefix) throws IOException {
    path = Files.createTempDirectory(prefix);
    hook = new Thread(this::deleteQuietly, "delete " + path);
    Runtime.getRuntime().addShutdownHook(hook);
  }

  Path path() {
    return path;
  }

  @Override
  public void close() throws IOException {
    delete();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is ending: the hook finds nothing left to do.
    }
  }

  private void delete() throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(path);
  }

  private void deleteQuietly() {
    try {
      delete();
    } catch (IOException | DirectoryIteratorException e) {
      // Nobody is left to tell.
    }
  }
}
