package org.ternarykernels.tool.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.TensorType;

/** {@code ternary run} with random operands and options, half of them right. */
public final class ToolFuzz {
  private static final String[] OPERATIONS = {
    "linear", "rmsnorm_linear", "quantise", "rotate", "qk_norm", "moe", "route", "ternarise"
  };
  private static final String[] ALPHAS = {"tensor", "row", "column", "group:32"};

  /** What the metadata may say, right and wrong. */
  private static final Map<String, String[]> METADATA =
      Map.ofEntries(
          Map.entry("order", new String[] {"up_gate", "interleaved", "", "x"}),
          Map.entry(
              "function",
              new String[] {"gelu", "silu_clamp:7", "silu_clamp:-1", "silu_clamp:", "x"}),
          Map.entry("weight_on", new String[] {"input", "output", ""}),
          Map.entry("combine", new String[] {"false", "true", "no"}),
          Map.entry("scaling", new String[] {"2", "0", "NaN", "-1", ""}),
          Map.entry("round_expert", new String[] {"bf16", "i32", "f8_e4m3", ""}),
          Map.entry("groups", new String[] {"2", "3", "-1", "99999999999", ""}),
          Map.entry("renormalise", new String[] {"true", "false", "2"}),
          Map.entry(
              "k", new String[] {"-1", "0", "99999999999", "k", "", " 4 ", "1e2", "2147483647"}),
          Map.entry(
              "alpha",
              new String[] {"group:0", "group:", "group:-32", "group:32:1", "x", "", "row"}),
          Map.entry(
              "segments",
              new String[] {"1", "1,1,1", "-1,2", "2147483647,2147483647", "", ",,", "a"}),
          Map.entry(
              "eps",
              new String[] {"1e-5", "0", "-1", "NaN", "Infinity", "1e60", "", "0x1p-3", "1f"}),
          Map.entry("y_dtype", new String[] {"F32", "BF16", "F16", "I8", "F8_E4M3", "", "f32"}),
          Map.entry(
              "activation",
              new String[] {"A8", "A16", "a16", "", "A4", "a8:64", "a8:0", "a8:-32", "a8:"}),
          Map.entry("rotation", new String[] {"32", "0", "-32", "33", "99999999999", "", "r"}),
          Map.entry("block", new String[] {"32", "64", "0", "-32", "48", "99999999999", "", "b"}),
          Map.entry("method", new String[] {"absmean", "threshold", "x"}),
          Map.entry("evil\nname", new String[] {"\u001b[31m"}));

  private static final String[][] OPTIONS = {
    {"--layout", "i2s"},
    {"--layout", "T5_TILED"},
    {"--layout", "x"},
    {"--threads", "2"},
    {"--threads", "0"},
    {"--threads", "99999999999"},
    {"--isa", "portable"},
    {"--isa", ""},
    {"--nope"},
    {""},
    {"@file"},
    {"--json"}
  };

  private final Random random;
  private final Path in;
  private final Path out;
  private final Map<String, Integer> seen = new TreeMap<>();

  private ToolFuzz(long seed, Path folder) {
    random = new Random(seed);
    in = folder.resolve("in");
    out = folder.resolve("out");
  }

  @SafeVarargs
  private <T> T one(T... of) {
    return of[random.nextInt(of.length)];
  }

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /** Bytes that mean something as the named operand, or anything. */
  private byte[] values(String name, TensorType type, int bytes, boolean right) {
    byte[] values = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      if (!right && chance(50)) {
        values[i] = (byte) random.nextInt();
      } else if (type == TensorType.I32) {
        values[i] = 0; // the first expert
      } else if (name.startsWith("w") && type != TensorType.F32) {
        values[i] = (byte) (type == TensorType.U8 ? one(0x55, 0x66, 0x99) : random.nextInt(3) - 1);
      } else {
        values[i] = (byte) (i % 4 == 3 ? 0x3f : 0);
      }
    }
    return values;
  }

  private void put(SafetensorsWriter file, String name, TensorType type, boolean right, int... d) {
    int[] shape = right || chance(90) ? d : one(new int[] {0}, new int[] {1}, new int[] {2, 2, 2});
    TensorType used = right || chance(90) ? type : one(TensorType.values());
    int elements = 1;
    long[] sizes = new long[shape.length];
    for (int i = 0; i < shape.length; i++) {
      elements *= shape[i];
      sizes[i] = shape[i];
    }
    file.put(name, used, values(name, used, elements * used.bytes(), right), sizes);
  }

  private void operands(String operation, boolean right) throws IOException {
    int m = one(1, 2, 3);
    int n = one(1, 4, 16, 17);
    int k = one(4, 16, 32, 64);
    String alpha = one(ALPHAS);
    boolean product = operation.endsWith("linear");
    SafetensorsWriter file = new SafetensorsWriter();
    boolean rows = operation.equals("quantise") || operation.equals("rotate");
    if (operation.equals("rotate")) {
      k = one(32, 64);
      file.metadata("block", "32");
    }
    if (product || rows || !right && !operation.equals("moe") && chance(10)) {
      put(file, "x", one(TensorType.F32, TensorType.BF16, TensorType.F16), right, m, k);
    }
    if (operation.equals("qk_norm")) {
      put(file, "q", one(TensorType.F32, TensorType.BF16, TensorType.F16), right, m, 3 * k);
      put(file, "q_weight", TensorType.F32, right, k);
      file.metadata("head_dim", Integer.toString(k));
    }
    if ((product || operation.equals("quantise")) && chance(30)) {
      file.metadata("activation", "a8:32");
    }
    if (operation.equals("moe")) {
      put(file, "x", one(TensorType.F32, TensorType.BF16, TensorType.F16), right, m, k);
      put(file, "expert_ids", TensorType.I32, right, m, 2);
      put(file, "expert_weights", one(TensorType.F32, TensorType.BF16), right, m, 2);
      put(file, "w13", TensorType.I8, right, 3, 2 * n, k);
      put(file, "w2", TensorType.I8, right, 3, k, n);
      put(file, "alpha13", TensorType.F32, right, 3);
      put(file, "alpha2", TensorType.F32, right, 3);
    }
    if (operation.equals("route")) {
      put(file, "logits", one(TensorType.F32, TensorType.BF16, TensorType.F16), right, m, k);
      file.metadata("k", "2");
    }
    if (operation.equals("ternarise")) {
      put(file, "w", TensorType.F32, right, n, k);
    }
    if (product && (right || chance(95))) {
      boolean packed = chance(50);
      put(file, "w", packed ? TensorType.U8 : TensorType.I8, right, n, packed ? k / 4 : k);
      int scales =
          switch (alpha) {
            case "tensor" -> 1;
            case "row" -> n;
            case "column" -> k;
            default -> n * ((k + 31) / 32);
          };
      put(file, "alpha", TensorType.F32, right, scales);
    }
    if (operation.equals("rmsnorm_linear")) {
      put(file, "norm_weight", TensorType.F32, right, k);
    }
    if (product && chance(40)) {
      put(file, "bias", TensorType.F32, right, n);
    }
    if (!right && chance(20)) {
      put(
          file,
          one("junk", "residual", "x_scale", "signs", "k_weight"),
          TensorType.F32,
          false,
          m,
          k);
    }
    if (product || operation.equals("ternarise")) {
      file.metadata("alpha", alpha);
    }
    if (product) {
      file.metadata("k", Integer.toString(k));
    }
    if (!right) {
      METADATA.forEach(
          (name, texts) -> {
            if (chance(15)) {
              file.metadata(name, one(texts));
            }
          });
    }
    file.write(in);
    if (!right && chance(10)) {
      byte[] bytes = Files.readAllBytes(in);
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      Files.write(in, bytes);
    }
  }

  private void round() throws IOException {
    boolean right = chance(50);
    String operation = one(OPERATIONS);
    operands(operation, right);
    List<String> words = new ArrayList<>(List.of("run", "--op", operation, "--verbose"));
    words.addAll(List.of("--in", in.toString(), "--out", out.toString()));
    if (!right && chance(40)) {
      words.addAll(List.of(one(OPTIONS)));
    }
    Files.deleteIfExists(out);
    StringWriter said = new StringWriter();
    int status =
        Ternary.commandLine()
            .setOut(new PrintWriter(new StringWriter()))
            .setErr(new PrintWriter(said))
            .execute(words.toArray(new String[0]));
    String fault = fault(right, status, said.toString());
    seen.merge(fault.isEmpty() ? "exit " + status : "FAULT " + fault, 1, Integer::sum);
    if (!fault.isEmpty()) {
      System.out.println("FAULT " + fault + ": " + words + " says " + said);
    }
  }

  private String fault(boolean right, int status, String said) {
    if (status < 0 || status > 2) {
      return "exit status " + status;
    }
    if (right && status != 0) {
      return "a right call fails";
    }
    if (Files.exists(out) != (status == 0)) {
      return status == 0 ? "no output" : "output of a failure";
    }
    if (status != 0 && said.isBlank()) {
      return "no sentence";
    }
    if (said.contains("\u001b[31m")) {
      return "an escape sequence reaches the terminal";
    }
    boolean surprise =
        said.matches(
            "(?s).*java\\.lang\\.(NullPointer|ClassCast|\\w*IndexOutOfBounds|NegativeArraySize)"
                + "Exception.*|(?s).*java\\.lang\\.\\w*Error.*");
    return surprise ? "an exception that nobody meant" : "";
  }

  public static void main(String[] arguments) throws IOException {
    ToolFuzz fuzz = new ToolFuzz(Long.parseLong(arguments[1]), Path.of(arguments[2]));
    for (int i = 0; i < Integer.parseInt(arguments[0]); i++) {
      fuzz.round();
    }
    System.out.println("seen: " + fuzz.seen);
  }
}
