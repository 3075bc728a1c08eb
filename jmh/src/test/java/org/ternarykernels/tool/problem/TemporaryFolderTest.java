package org.ternarykernels.tool.problem;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What a signal does to it is the case {@code leftovers}. */
class TemporaryFolderTest {
  @Test
  void itGoesWithItsFiles() throws IOException {
    TemporaryFolder folder = new TemporaryFolder("test");
    assertThat(folder.write("a", new byte[] {1, 2}))
        .hasParent(folder.path())
        .hasBinaryContent(new byte[] {1, 2});
    folder.close();
    assertThat(folder.path()).doesNotExist();
    assertThatThrownBy(() -> folder.write("b", new byte[1]))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("was deleted");
  }

  @Test
  void itGoesWhileItIsFilled() throws IOException {
    for (int round = 0; round < 200; round++) {
      TemporaryFolder folder = new TemporaryFolder("test");
      CompletableFuture<Void> filling =
          CompletableFuture.runAsync(
              () -> {
                try {
                  for (int i = 0; ; i++) {
                    folder.write("f" + i, new byte[1]);
                  }
                } catch (IOException e) {
                  // It is gone.
                }
              });
      Thread.onSpinWait();
      folder.close();
      filling.join();
      assertThat(folder.path()).doesNotExist();
    }
  }
}
