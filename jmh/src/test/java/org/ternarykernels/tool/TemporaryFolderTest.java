package org.ternarykernels.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What a signal does to it is the case {@code leftovers}. */
class TemporaryFolderTest {
  @Test
  void itGoesWithItsFilesAndTakesNoMore() throws IOException {
    TemporaryFolder folder = new TemporaryFolder("test");
    Path file = folder.write("a", new byte[] {1, 2});
    assertThat(file).hasBinaryContent(new byte[] {1, 2}).hasParent(folder.path());
    folder.close();
    assertThat(folder.path()).doesNotExist();
    assertThatThrownBy(() -> folder.write("b", new byte[1]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder.path().toString());
    assertThat(folder.path()).doesNotExist();
  }
}
