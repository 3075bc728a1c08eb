package org.ternarykernels.binding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlatformsTest {
  private static final String GLIBC =
      "7f00-7f01 r-xp 0 0:0 1 /usr/lib/x86_64-linux-gnu/libc.so.6\n";

  @Test
  void knowsThisPlatform() {
    assertThat(Platforms.of("Linux", "amd64", GLIBC)).isEqualTo("linux-x86_64");
    assertThat(Platforms.of("Linux", "x86_64", "")).isEqualTo("linux-x86_64");
    assertThat(Platforms.current()).isEqualTo("linux-x86_64");
  }

  @ParameterizedTest
  @CsvSource({
    "Linux,aarch64",
    "Mac OS X,aarch64",
    "Mac OS X,x86_64",
    "Windows 11,amd64",
    "Linux,x86",
    "FreeBSD,amd64"
  })
  void refusesOthersByName(String os, String arch) {
    assertThatThrownBy(() -> Platforms.of(os, arch, GLIBC))
        .isInstanceOf(UnsatisfiedLinkError.class)
        .hasMessageContainingAll(os + " on " + arch, "supported is Linux on x86-64 with glibc");
  }

  @Test
  void refusesMusl() {
    for (String library : new String[] {"/lib/ld-musl-x86_64.so.1", "/lib/libc.musl-x86_64.so.1"}) {
      assertThatThrownBy(
              () -> Platforms.of("Linux", "amd64", "7f00-7f01 r-xp 0 0:0 1 " + library + "\n"))
          .isInstanceOf(UnsatisfiedLinkError.class)
          .hasMessageContainingAll("musl", "supported is");
    }
  }

  @Test
  void aFolderNamedAfterMuslIsNotMusl() {
    for (String file :
        new String[] {"/opt/ld-musl-compare/libjvm.so", "/a/libc.musl-x/libc.so.6"}) {
      assertThat(Platforms.of("Linux", "amd64", "7f00-7f01 r-xp 0 0:0 1 " + file + "\n"))
          .isEqualTo("linux-x86_64");
    }
  }
}
