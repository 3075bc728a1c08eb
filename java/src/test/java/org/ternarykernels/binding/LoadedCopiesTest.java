package org.ternarykernels.binding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadedCopiesTest {
  @TempDir Path folder;

  @Test
  void aCopyThatLoadsNowhereNamesBothPlacesAndIsGone() throws IOException {
    Path file = Files.writeString(folder.resolve("libjniternary.so"), "no library");
    assertThatThrownBy(() -> LoadedCopies.load(file, 2))
        .isInstanceOf(UnsatisfiedLinkError.class)
        .hasMessageContainingAll(
            "a further class loader",
            folder.toString(),
            "java.io.tmpdir",
            System.getProperty("java.io.tmpdir"),
            "ternary.cache.dir",
            "ternary.library.path");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void whatTheFirstClassLoaderCannotLoadIsNotCopied() throws IOException {
    Path file = Files.writeString(folder.resolve("libjniternary.so"), "no library");
    assertThatThrownBy(() -> LoadedCopies.load(file, 1))
        .isInstanceOf(UnsatisfiedLinkError.class)
        .hasMessageContainingAll(file + " cannot be loaded", "glibc 2.28", "ternary.cache.dir");
  }
}
