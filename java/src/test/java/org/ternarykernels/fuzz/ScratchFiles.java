package org.ternarykernels.fuzz;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import org.ternarykernels.Alpha;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.TensorType;

/** The folder that calls read and write: good files, and damaged copies of them. */
final class ScratchFiles {
  /** Only these are given paths outside the folder. */
  private static final Set<String> READERS = Set.of("load", "open", "tuning");

  private static final String[] OUTSIDE = {
    "/dev/zero",
    "/dev/null",
    "/proc/self/maps",
    "/proc/self/environ",
    "/",
    "/nonexistent/x",
    "",
    "."
  };
  private static final String[] INSIDE = {
    "w.i2s",
    "w.t5",
    "damaged.i2s",
    "damaged.t5",
    "damaged.safetensors",
    "model.safetensors",
    "config.json",
    "sub",
    "sub/x",
    "no/such",
    "good/model.safetensors",
    "report.json",
    "r{pid}",
    "good",
    "damaged",
    "\u00fc\u00e9",
    "a b",
    "tuning",
    "."
  };
  private static final String[][] DAMAGED = {
    {"w.i2s", "damaged.i2s"},
    {"w.t5", "damaged.t5"},
    {"model.safetensors", "damaged.safetensors"},
    {"good/model.safetensors", "damaged/model.safetensors"},
    {"good/config.json", "damaged/config.json"}
  };
  private static final String CONFIG =
      "{\"hidden_size\": 8, \"quantization_config\": {\"quant_method\": \"bitnet\"},"
          + " \"nested\": {\"deep\": 1.5}, \"arr\": [1, 2]}";

  /** Holds a checkpoint that no call is given the name of, so that it stays good. */
  private static final String ORIGINAL = "original";

  private final Path folder;

  ScratchFiles(Path folder) throws IOException {
    this.folder = folder;
    for (String sub : new String[] {"sub", "good", "damaged", ORIGINAL}) {
      Files.createDirectories(folder.resolve(sub));
    }
    byte[] w = new byte[16 * 40];
    for (int i = 0; i < w.length; i++) {
      w[i] = (byte) (i * 7 % 11 % 3 - 1);
    }
    try (TernaryWeights weights = TernaryWeights.pack(w, 16, 40, Alpha.tensor(0.5f))) {
      weights.save(folder.resolve("w.i2s"));
      weights.save(folder.resolve("w.t5"), Layout.T5_TILED);
    }
    byte[] packed = new byte[2 * 8]; // 5 to 8 rows of K 8
    new SafetensorsWriter()
        .metadata("format", "pt")
        .put("a.weight", TensorType.U8, packed, 2, 8)
        .put("a.weight_scale", new float[] {0.5f}, 1)
        .put("b.weight", TensorType.U8, packed, 2, 8)
        .put("b.weight_scale", new float[] {0.25f}, 1)
        .put("b.bias", new float[8], 8)
        .put("q", new float[] {1, 2, 3, 4}, 2, 2)
        .write(folder.resolve("model.safetensors"));
    Files.copy(folder.resolve("model.safetensors"), folder.resolve("good/model.safetensors"));
    Files.copy(folder.resolve("model.safetensors"), original().resolve("model.safetensors"));
    for (String config : new String[] {"config.json", "good/config.json", "original/config.json"}) {
      Files.writeString(folder.resolve(config), CONFIG, StandardCharsets.UTF_8);
    }
    Files.writeString(folder.resolve("tuning"), "version=0.0.0\nend=1\n");
    Files.write(folder.resolve("mapped"), new byte[4096]);
  }

  Path original() {
    return folder.resolve(ORIGINAL);
  }

  /** The name of a path for a method; none outside for what may write. */
  static String name(String method, Values values) {
    return READERS.contains(method) && values.chance(0.25)
        ? values.oneOf(OUTSIDE)
        : "./" + values.oneOf(INSIDE);
  }

  Path path(String name) {
    return name.startsWith("./") ? folder.resolve(name.substring(2)) : Path.of(name);
  }

  /** A file's bytes, as they are or damaged. */
  ByteBuffer content(Values values) throws IOException {
    String name = values.oneOf("model.safetensors", "w.i2s", "good/model.safetensors");
    byte[] bytes = Files.readAllBytes(folder.resolve(name));
    if (values.chance(0.7)) {
      values.damage(bytes);
    }
    return ByteBuffer.wrap(bytes);
  }

  ByteBuffer mapped() throws IOException {
    try (FileChannel channel = FileChannel.open(folder.resolve("mapped"))) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
    }
  }

  /** Replaces the damaged copies by others, each at one stroke. */
  void damage(Values values, int thread) throws IOException {
    for (String[] names : DAMAGED) {
      Path source = folder.resolve(names[0]);
      byte[] bytes = Files.isRegularFile(source) ? Files.readAllBytes(source) : new byte[0];
      values.damage(bytes);
      Path made = Files.write(folder.resolve("making" + thread), bytes);
      Files.move(
          made,
          folder.resolve(names[1]),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
