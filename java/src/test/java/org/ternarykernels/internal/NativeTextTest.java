package org.ternarykernels.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NativeTextTest {
  /** The JVM sets it from the locale. */
  private static final String NAMES = "sun.jnu.encoding";

  private final String before = System.getProperty(NAMES);

  @AfterEach
  void restore() {
    System.setProperty(NAMES, before);
  }

  @Test
  void fileNamesAreInTheEncodingOfTheLocale() {
    System.setProperty(NAMES, "ISO-8859-1");
    assertThat(NativeText.withFileNames("caf\u00e9")).containsExactly('c', 'a', 'f', 0xe9, 0);
    System.setProperty(NAMES, "UTF-8");
    assertThat(NativeText.withFileNames("\u00e9")).containsExactly(0xc3, 0xa9, 0);
  }

  @Test
  void aCharacterThatNamesCannotHaveIsRefused() {
    System.setProperty(NAMES, "ANSI_X3.4-1968");
    assertThatThrownBy(() -> NativeText.withFileNames("TERNARY_TUNING=caf\u00e9\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("caf\u00e9?", "US-ASCII");
  }
}
