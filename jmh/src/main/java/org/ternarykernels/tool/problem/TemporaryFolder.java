package org.ternarykernels.tool.problem;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A folder of files that goes when it is closed, and also when Ctrl-C or SIGTERM ends the JVM. The
 * lock is for the latter: the thread that fills the folder runs on beside the one that deletes it.
 */
public final class TemporaryFolder implements AutoCloseable {
  private final Path path;
  private final Thread hook = new Thread(this::deleteQuietly, "delete a temporary folder");
  private boolean deleted;

  public TemporaryFolder(String prefix) throws IOException {
    synchronized (this) {
      Runtime.getRuntime().addShutdownHook(hook);
      path = Files.createTempDirectory(prefix);
    }
  }

  public Path path() {
    return path;
  }

  /** Writes a file of the folder, unless the folder is gone. */
  public synchronized Path write(String name, byte[] content) throws IOException {
    if (deleted) {
      throw new IOException(path + " was deleted: the program is ending");
    }
    return Files.write(path.resolve(name), content);
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

  private synchronized void delete() throws IOException {
    deleted = true;
    if (path == null || !Files.exists(path)) {
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
