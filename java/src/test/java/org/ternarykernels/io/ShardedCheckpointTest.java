package org.ternarykernels.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint whose tensors lie in several files. */
class ShardedCheckpointTest {
  private static final String A = "model-00001-of-00002.safetensors";
  private static final String B = "model-00002-of-00002.safetensors";

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    Files.writeString(
        folder.resolve("config.json"), "{\"quantization_config\":{\"quant_method\":\"bitnet\"}}");
    new SafetensorsWriter()
        .put("q.weight", TensorType.U8, new byte[12], 1, 12)
        .put("norm", new float[] {1, 2}, 2)
        .write(folder.resolve(A));
    new SafetensorsWriter()
        .put("q.weight_scale", new float[] {2}, 1)
        .put("stray", new float[] {3}, 1)
        .write(folder.resolve(B));
    index("norm", A, "q.weight", A, "q.weight_scale", B);
  }

  /** Writes an index of tensors and their shards. */
  private void index(String... pairs) throws IOException {
    StringBuilder map = new StringBuilder();
    for (int i = 0; i < pairs.length; i += 2) {
      map.append(i == 0 ? "" : ",");
      map.append('"').append(pairs[i]).append("\":\"").append(pairs[i + 1]).append('"');
    }
    indexText("{\"metadata\":{\"total_size\":28},\"weight_map\":{" + map + "}}");
  }

  private void indexText(String json) throws IOException {
    Files.writeString(folder.resolve("model.safetensors.index.json"), json);
  }

  private void assertRejected(String... parts) {
    assertThatThrownBy(() -> BitNetCheckpoint.open(folder))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model.safetensors.index.json: ")
        .hasMessageContainingAll(parts);
  }

  @Test
  void readsTensorsOfAllShards() {
    try (BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      checkpoint.weights("q", 4).close();
      assertThat(checkpoint.floats("norm")).containsExactly(1, 2);
      assertThat(checkpoint.unreadTensors()).containsExactly("stray");
      assertThatThrownBy(checkpoint::tensors)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("shards");
    }
  }

  @Test
  void aShardMayBeALinkAndLieInAFolderBelow() throws IOException {
    Path elsewhere = Files.createDirectory(folder.resolve("blobs"));
    Files.move(folder.resolve(A), elsewhere.resolve("a"));
    Files.createSymbolicLink(folder.resolve(A), elsewhere.resolve("a"));
    Files.move(folder.resolve(B), elsewhere.resolve(B));
    index("norm", A, "q.weight", A, "q.weight_scale", "blobs/" + B);
    try (BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      assertThat(checkpoint.tensorNames()).hasSize(4);
    }
  }

  @Test
  void namesTheShardThatIsMissing() throws IOException {
    Files.delete(folder.resolve(B));
    assertRejected(B, "q.weight_scale", "missing");
  }

  @Test
  void namesTheTensorThatItsShardLacks() throws IOException {
    index("norm", A, "q.weight", B, "q.weight_scale", B);
    assertRejected(B, "without the tensor \"q.weight\"");
  }

  @Test
  void refusesATensorThatIsInTwoShards() throws IOException {
    new SafetensorsWriter()
        .put("q.weight_scale", new float[] {2}, 1)
        .put("norm", new float[] {3}, 1)
        .write(folder.resolve(B));
    assertRejected("\"norm\" is in two shards");
  }

  @Test
  void refusesAShardOutsideTheFolder() throws IOException {
    for (String path :
        new String[] {"../" + A, "x/../../" + A, folder.resolve(A).toString(), "", ".."}) {
      index("norm", path);
      assertRejected("outside the folder");
    }
    indexText("{\"weight_map\":{\"norm\":\"a\\u0000b\"}}");
    assertRejected("\"a?b\"", "no file's name");
  }

  @Test
  void refusesAnIndexThatIsNone() throws IOException {
    indexText("[]");
    assertRejected("no JSON object");
    indexText("{\"weight_map\":");
    assertRejected("no JSON");
    indexText("{\"weight_map\":{}}");
    assertRejected("missing or empty");
    indexText("{\"metadata\":{}}");
    assertRejected("missing or empty");
    indexText("{\"weight_map\":{\"norm\":1}}");
    assertRejected("\"norm\" is no text");
    indexText("{\"weight_map\":{\"norm\":\"" + A + "\",\"norm\":\"" + B + "\"}}");
    assertRejected("Duplicate");
  }

  /** As the format's own loaders prefer it. */
  @Test
  void oneFileGoesBeforeAnIndex() {
    new SafetensorsWriter()
        .put("only", new float[] {1}, 1)
        .write(folder.resolve("model.safetensors"));
    try (BitNetCheckpoint checkpoint = BitNetCheckpoint.open(folder)) {
      assertThat(checkpoint.tensorNames()).containsExactly("only");
      assertThat(checkpoint.tensors().names()).containsExactly("only");
    }
  }
}
