package org.ternarykernels.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.CancellationException;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AtomicFileTest {
  @TempDir Path folder;

  private static void write(Path file, String text) throws IOException {
    AtomicFile.write(file, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static AbstractThrowableAssert<?, ?> assertRefused(Path file) {
    return assertThatThrownBy(() -> write(file, "new")).isInstanceOf(IOException.class);
  }

  private void assertNothingIsLeft() {
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-------", "r--------", "rw-rw-rw-", "rwxr-x---", "---------"})
  void whatIsReplacedKeepsItsMode(String mode) throws IOException {
    Path file = Files.writeString(folder.resolve("f"), "old");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    write(file, "new");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo(mode);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    assertThat(file).hasContent("new");
    assertNothingIsLeft();
  }

  @Test
  void aLinkStaysAndWhatItLeadsToIsReplaced() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    Path real = Files.writeString(other.resolve("real"), "old");
    Path near = Files.createSymbolicLink(other.resolve("near"), Path.of("real"));
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("other", "near"));
    write(link, "new");
    assertThat(link).isSymbolicLink();
    assertThat(near).isSymbolicLink();
    assertThat(Files.isSymbolicLink(real)).isFalse();
    assertThat(real).hasContent("new");
    Files.delete(real);
    write(link, "where nothing was");
    assertThat(real).hasContent("where nothing was");
    assertThat(other).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void whatIsNoRegularFileIsRefusedAndStays() throws Exception {
    Path fifo = SpecialFiles.fifo(folder);
    assertRefused(fifo).hasMessageContainingAll("FIFO", "no regular file");
    assertThat(Files.readAttributes(fifo, "isOther", LinkOption.NOFOLLOW_LINKS))
        .containsEntry("isOther", true);
    Path output = SpecialFiles.standardOutput(folder);
    assertRefused(output).hasMessageContainingAll("descriptor", "no regular file");
    assertThat(output).isSymbolicLink();
    assertRefused(folder).hasMessageContaining("is a folder");
    Path circle = Files.createSymbolicLink(folder.resolve("circle"), Path.of("circle"));
    assertRefused(circle).hasMessageContaining("circle");
    assertNothingIsLeft();
  }

  @Test
  void knowsADevice() throws IOException {
    assertThat(Destination.of(Path.of("/dev/null")).kind())
        .isEqualTo(Destination.Kind.CHARACTER_DEVICE);
    assertThatThrownBy(() -> Destination.of(Path.of("/dev/null")).file())
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no regular file");
  }

  @Test
  void saysWhyAndDoesNotNameATemporaryFile() throws IOException {
    Path missing = folder.resolve("none");
    assertRefused(missing.resolve("f")).hasMessage("there is no folder " + missing);
    Path file = Files.writeString(folder.resolve("f"), "old");
    assertRefused(file.resolve("g")).hasMessageContaining("Not a directory");
    assertThatThrownBy(() -> AtomicFile.tryOut(missing.resolve("f")))
        .isInstanceOf(IOException.class)
        .hasMessage("there is no folder " + missing);
    AtomicFile.tryOut(file);
    assertThat(file).hasContent("old");
    assertNothingIsLeft();
  }

  @Test
  void aFailureLeavesWhatWasThere() throws IOException {
    Path file = Files.writeString(folder.resolve("f"), "old");
    for (Exception failure :
        new Exception[] {new IOException("no more"), new CancellationException("no more")}) {
      assertThatThrownBy(
              () ->
                  AtomicFile.write(
                      file,
                      out -> {
                        out.write(1);
                        if (failure instanceof IOException e) {
                          throw e;
                        }
                        throw (RuntimeException) failure;
                      }))
          .isInstanceOf(failure.getClass())
          .hasMessage("no more");
      assertThat(file).hasContent("old");
      assertNothingIsLeft();
    }
  }

  @Test
  void aNameMayBeAsLongAsNamesCanBe() throws IOException {
    Path file = folder.resolve("n".repeat(255));
    write(file, "new");
    assertThat(file).hasContent("new");
  }

  /** A file system may have no fsync for folders, and a folder need not be readable. */
  @Test
  void aFolderThatCannotBeForcedIsNoFailure() throws IOException {
    AtomicFile.forceFolder(folder.resolve("none/f"));
    Path blind = Files.createDirectory(folder.resolve("blind"));
    Files.setPosixFilePermissions(blind, PosixFilePermissions.fromString("-wx------"));
    write(blind.resolve("f"), "new");
    Files.setPosixFilePermissions(blind, PosixFilePermissions.fromString("rwx------"));
    assertThat(blind.resolve("f")).hasContent("new");
  }

  @Test
  void anInterruptedThreadWritesAndStaysInterrupted() throws IOException {
    Path file = folder.resolve("f");
    Thread.currentThread().interrupt();
    try {
      write(file, "new");
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(file).hasContent("new");
  }
}
