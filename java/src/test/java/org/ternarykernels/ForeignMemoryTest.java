package org.ternarykernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.jvm.Fork;
import org.ternarykernels.jvm.Jdks;

/** Memory that others free, change or claim more of than there is: in JVMs of their own. */
class ForeignMemoryTest {
  @TempDir Path folder;

  private Fork fork() {
    return new Fork(folder, Map.of());
  }

  @Test
  void arraysMayChangeDuringACall() throws Exception {
    assertThat(fork().run(Fork.classPath(), ForeignMemoryProbe.class.getName(), "arrays"))
        .contains("survived");
  }

  @Test
  void pointersMayBeClosedDuringACall() throws Exception {
    assertThat(fork().run(Fork.classPath(), ForeignMemoryProbe.class.getName(), "pointers"))
        .contains("survived");
  }

  @Test
  void buffersMayBeClosedDuringACall() throws Exception {
    assertThat(fork().run(Fork.classPath(), ForeignMemoryProbe.class.getName(), "buffers"))
        .contains("survived");
  }

  @Test
  void callsWithArraysDoNotGrowTheProcess() throws Exception {
    String said =
        fork()
            .option("-Xmx512m")
            .run(Fork.classPath(), ForeignMemoryProbe.class.getName(), "growth");
    long grown = Long.parseLong(said.replaceAll("(?s).*grown by (-?\\d+) KB.*", "$1"));
    assertThat(grown).as(said).isLessThanOrEqualTo(64 << 10);
  }

  @Test
  void segmentsFollowTheirArenas() throws Exception {
    Optional<Path> newer = Jdks.newer();
    assumeTrue(newer.isPresent(), "no JDK with memory segments is installed");
    assertThat(
            fork()
                .jdk(newer.get())
                .option("--enable-native-access=ALL-UNNAMED")
                .run(Fork.classPath(), Path.of("src/test/jdk22/SegmentProbe.java").toString()))
        .contains("every check held");
  }

  @Test
  void whatIsNoSegmentIsRefused() {
    assertThatThrownBy(() -> TernaryBuffer.ofSegment("text", DataType.F32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("java.lang.String", "MemorySegment", "JDK 22");
    assertThatThrownBy(() -> TernaryBuffer.ofSegment(null, DataType.F32))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("segment is null");
  }
}
