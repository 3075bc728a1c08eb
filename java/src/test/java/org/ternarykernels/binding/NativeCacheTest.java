package org.ternarykernels.binding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeCacheTest {
  private static final String ADVICE =
      "set the system property ternary.cache.dir or the environment variable"
          + " TERNARY_CACHE_DIR to a folder of your own";

  @TempDir Path folder;
  private final Map<String, byte[]> files = new LinkedHashMap<>();

  @BeforeEach
  void makeFiles() {
    for (String name : List.of("a.so", "b.so")) {
      byte[] content = new byte[100_000];
      new Random(name.hashCode()).nextBytes(content);
      files.put(name, content);
    }
  }

  private Path extract(Path root) throws IOException {
    return new NativeCache(root).extract("1.2", files, "");
  }

  private static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static void chmod(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  private void assertComplete(Path extracted) throws IOException {
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      assertThat(extracted.resolve(file.getKey())).hasBinaryContent(file.getValue());
    }
    try (Stream<Path> found = Files.list(extracted)) {
      assertThat(found).hasSize(files.size()); // no temporary file is left
    }
  }

  @Test
  void picksTheFolder() {
    assertThat(NativeCache.choose("/p", "/v", "/x", "/h")).isEqualTo(Path.of("/p"));
    assertThat(NativeCache.choose(null, "/v", "/x", "/h")).isEqualTo(Path.of("/v"));
    assertThat(NativeCache.choose("", "", "/x", "/h")).isEqualTo(Path.of("/x/ternary-kernels"));
    assertThat(NativeCache.choose(null, null, "relative", "/h"))
        .isEqualTo(Path.of("/h/.cache/ternary-kernels"));
    assertThat(NativeCache.choose(null, null, null, "/h"))
        .isEqualTo(Path.of("/h/.cache/ternary-kernels"));
    assertThat(NativeCache.choose(null, null, null, "?"))
        .isEqualTo(Path.of("/.cache/ternary-kernels"));
  }

  @Test
  void extractsForThisUserAlone() throws IOException {
    Path extracted = extract(folder.resolve("deep/cache"));
    assertComplete(extracted);
    assertThat(extracted.getFileName().toString()).matches("1\\.2-[0-9a-f]{16}");
    assertThat(mode(extracted)).isEqualTo("rwx------");
    assertThat(mode(extracted.getParent())).isEqualTo("rwx------");
    assertThat(mode(extracted.resolve("a.so"))).isEqualTo("rwx------");
  }

  @Test
  void leavesGoodFilesAloneAndReplacesDamagedOnes() throws IOException {
    Path extracted = extract(folder.resolve("cache"));
    Object good = Files.getAttribute(extracted.resolve("a.so"), "unix:ino");
    byte[] damaged = files.get("b.so").clone();
    damaged[77] ^= 1;
    Files.write(extracted.resolve("b.so"), damaged);
    assertThat(extract(folder.resolve("cache"))).isEqualTo(extracted);
    assertComplete(extracted);
    assertThat(Files.getAttribute(extracted.resolve("a.so"), "unix:ino")).isEqualTo(good);
    Files.write(extracted.resolve("b.so"), new byte[3]); // half-written
    extract(folder.resolve("cache"));
    assertComplete(extracted);
  }

  @Test
  void otherContentHasAFolderOfItsOwn() throws IOException {
    Path first = extract(folder.resolve("cache"));
    files.get("a.so")[5] ^= 1;
    assertThat(extract(folder.resolve("cache"))).isNotEqualTo(first);
  }

  @Test
  void refusesFoldersThatOthersMayWriteTo() throws IOException {
    for (String mode : List.of("rwx----w-", "rwxrwxrwx")) {
      Path root = Files.createDirectory(folder.resolve("root-" + mode));
      chmod(root, mode);
      assertThatThrownBy(() -> extract(root))
          .isInstanceOf(IOException.class)
          .hasMessageContainingAll(root.toString(), mode, "must not be writable by others", ADVICE);
    }
    Path root = folder.resolve("good");
    Path extracted = extract(root);
    chmod(extracted.resolve("a.so"), "rwxrwxrwx");
    assertThatThrownBy(() -> extract(root))
        .hasMessageContainingAll("a.so", "must not be writable by others");
    chmod(extracted.resolve("a.so"), "rwx------");
    chmod(extracted, "rwxrwxrwx");
    assertThatThrownBy(() -> extract(root))
        .hasMessageContainingAll(extracted.toString(), "must not be writable");
  }

  @Test
  void aSharedFolderHasOneOfThisUserInIt() throws IOException {
    for (int mode : new int[] {01777, 0770, 02775}) {
      Path root = Files.createDirectory(folder.resolve("volume-" + mode));
      Files.setAttribute(root, "unix:mode", mode);
      Path extracted = extract(root);
      assertComplete(extracted);
      assertThat(extracted.getParent().getParent()).isEqualTo(root);
      assertThat(mode(extracted.getParent())).isEqualTo("rwx------");
    }
  }

  @Test
  void refusesAFolderBelowOneInWhichAnybodyMayRename() throws IOException {
    Path open = Files.createDirectory(folder.resolve("open"));
    chmod(open, "rwxrwxrwx");
    assertThatThrownBy(() -> extract(open.resolve("cache")))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(
            open.toString(), "rwxrwxrwx", "sticky bit", "ternary.library.path", ADVICE);
    Files.setAttribute(open, "unix:mode", 01777);
    assertComplete(extract(open.resolve("cache")));
  }

  @Test
  void sweepsWhatKilledProcessesLeft() throws IOException {
    Path root = folder.resolve("cache");
    Path extracted = extract(root);
    Path left = Files.createFile(extracted.resolve("libjniternary-1.so"));
    Path recent = Files.createFile(extracted.resolve("a.so.2.tmp"));
    Files.setLastModifiedTime(left, FileTime.from(Instant.now().minus(Duration.ofHours(2))));
    extract(root);
    assertThat(left).doesNotExist();
    assertThat(recent).exists();
  }

  @Test
  void refusesFoldersOfOtherUsers() throws IOException {
    Path root = Files.createDirectory(folder.resolve("theirs"));
    int user = (Integer) Files.getAttribute(root, "unix:uid");
    assumeThat(user).as("root alone can give a folder away").isZero();
    Files.setAttribute(root, "unix:uid", 12345);
    assertThatThrownBy(() -> extract(root))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(
            root.toString(), "belongs to user", "must belong to this process's user", ADVICE);
  }

  @Test
  void refusesSymbolicLinks() throws IOException {
    Path target = Files.createDirectory(folder.resolve("target"));
    chmod(target, "rwx------");
    Path extracted = extract(folder.resolve("cache"));
    Path file = extracted.resolve("a.so");
    Files.move(file, target.resolve("a.so"));
    Files.createSymbolicLink(file, target.resolve("a.so"));
    assertThatThrownBy(() -> extract(folder.resolve("cache")))
        .hasMessageContainingAll("a.so", "symbolic link");
  }

  @Test
  void tellsWhatToDoWhereNothingCanBeWritten() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> extract(file.resolve("cache")))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(file.toString(), ADVICE);
    assertThatThrownBy(() -> extract(Path.of("/proc/ternary/cache")))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll("/proc/ternary", ADVICE); // read-only for root, too
  }

  @Test
  void manyAtOnceAllFindCompleteFiles() throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(16);
    try {
      for (int round = 0; round < 20; round++) {
        Path root = folder.resolve("round-" + round);
        List<Future<Path>> extracted = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          extracted.add(
              executor.submit(
                  () -> {
                    Path found = extract(root);
                    for (Map.Entry<String, byte[]> file : files.entrySet()) {
                      assertThat(found.resolve(file.getKey())).hasBinaryContent(file.getValue());
                    }
                    return found;
                  }));
        }
        Path last = null;
        for (Future<Path> found : extracted) {
          last = found.get(30, TimeUnit.SECONDS);
        }
        assertComplete(last);
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
