package org.ternarykernels.tool.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.Activation;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertOracle;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.GateFunction;
import org.ternarykernels.GateOrder;
import org.ternarykernels.GroupScore;
import org.ternarykernels.Layout;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Rotation;
import org.ternarykernels.RouteMethod;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.io.SafetensorsWriter;
import org.ternarykernels.io.TensorType;
import org.ternarykernels.tool.problem.RandomProblem;

/** {@code run --op moe} and {@code route} against the oracle, and what they say of wrong files. */
class RunExpertsTest {
  private static final int M = 4;
  private static final int E = 3;
  private static final int T = 2;
  private static final int H = 64;
  private static final int I = 32;

  @TempDir Path folder;
  private final RandomProblem random = new RandomProblem(7);
  private final byte[] w13 = random.weights(E * 2 * I, H);
  private final byte[] w2 = random.weights(E * H, I);
  private final TernaryBuffer ids = TernaryBuffer.copyOf(0, 2, -1, 1, 1, 1, -1, -1);
  private final TernaryBuffer x = random.activations(DataType.F32, M, H);

  private Path in() {
    return folder.resolve("in.safetensors");
  }

  private Path out() {
    return folder.resolve("out.safetensors");
  }

  private ToolRun run(String op, SafetensorsWriter operands) {
    operands.write(in());
    return ToolRun.of("run", "--op", op, "--in", in(), "--out", out());
  }

  private void assertOutput(String name, TernaryBuffer expected, long... shape) {
    try (SafetensorsFile file = SafetensorsFile.open(out())) {
      assertThat(file.tensor(name).type()).isEqualTo(TensorType.of(expected.dataType()));
      assertThat(file.tensor(name).shape()).isEqualTo(shape);
      byte[] bytes = new byte[(int) expected.byteSize()];
      expected.asByteBuffer().get(bytes);
      assertThat(file.tensor(name).toBytes()).isEqualTo(bytes);
      assertThat(file.metadata().get("path")).isNotBlank();
    }
  }

  private void assertRefused(String op, SafetensorsWriter operands, String... parts) {
    assertFailure(run(op, operands), 1, parts);
    assertThat(out()).doesNotExist();
  }

  private SafetensorsWriter matrices() {
    return new SafetensorsWriter().put("x", x, M, H).put("w13", TensorType.I8, w13, E, 2 * I, H);
  }

  private SafetensorsWriter withoutIds() {
    return matrices()
        .put("w2", TensorType.I8, w2, E, H, I)
        .put("expert_weights", random.vector(M * T, 1), M, T)
        .put("alpha13", new float[] {1, 2, 3}, E)
        .put("alpha2", new float[] {1, 1, 1}, E);
  }

  private SafetensorsWriter valid() {
    return withoutIds().put("expert_ids", ids, M, T);
  }

  @Test
  void moeGivesTheOraclesBitsByWhatTheMetadataSay() {
    TernaryBuffer weights = random.activations(DataType.BF16, M, T);
    TernaryBuffer residual = random.activations(DataType.F16, M, H);
    float[] alpha13 = random.vector(E * 2 * H, 1);
    float[] alpha2 = random.vector(E * H, 1);
    float[] signs = random.signs(I);
    byte[] small = new byte[I];
    for (int i = 0; i < I; i++) {
      small[i] = (byte) signs[i];
    }
    SafetensorsWriter operands =
        matrices()
            .put("w2", TensorType.I8, w2, E, H, I)
            .put("expert_ids", ids, M, T)
            .put("expert_weights", weights, M, T)
            .put("residual", residual, M, H)
            .put("alpha13", alpha13, E, 2, H)
            .put("alpha2", alpha2, E, H, 1)
            .put("signs2", TensorType.I8, small, I)
            .metadata("alpha13", "column")
            .metadata("alpha2", "group:64")
            .metadata("order", "interleaved")
            .metadata("function", "silu_clamp:0.5")
            .metadata("activation", "a8:32")
            .metadata("round_gate_up", "bf16")
            .metadata("round_activation", "f16")
            .metadata("round_product", "bf16")
            .metadata("round_expert", "f16")
            .metadata("weight_before_rounding", "true")
            .metadata("scaling", "2.5")
            .metadata("y_dtype", "BF16")
            .metadata("rotation13", "64")
            .metadata("rotation2", "32");
    assertThat(run("moe", operands).err()).isEmpty();
    TernaryBuffer y = TernaryBuffer.allocate(DataType.BF16, M * H);
    TernaryBuffer sum = TernaryBuffer.allocate(DataType.F16, M * H);
    ExpertAlpha columns = ExpertAlpha.columnOfGateAndUp(alpha13);
    ExpertAlpha groups = ExpertAlpha.group(64, alpha2);
    try (TernaryRuntime runtime = TernaryRuntime.create();
        ExpertWeights first = ExpertWeights.pack(w13, E, 2 * I, H, columns);
        ExpertWeights second = ExpertWeights.pack(w2, E, H, I, groups);
        MoeLayer layer =
            MoeLayer.builder(runtime, first, second)
                .gateOrder(GateOrder.INTERLEAVED)
                .siluClamp(0.5f)
                .activation(Activation.a8(32))
                .roundGateUp(DataType.BF16)
                .roundActivation(DataType.F16)
                .roundProduct(DataType.BF16)
                .roundExpert(DataType.F16)
                .weightBeforeRounding(true)
                .scaling(2.5f)
                .rotation13(Rotation.of(64))
                .rotation2(Rotation.of(32, signs))
                .build()) {
      Routing routing = Routing.of(ids, weights, T);
      ExpertOracle.moe(layer, x, H, null, routing, residual, sum, H, y, H, M);
    }
    assertOutput("y", y, M, H);
    assertOutput("residual_out", sum, M, H);
  }

  @Test
  void moeReadsPackedWeightsAndCombinesNothingIfAskedTo() {
    TernaryBuffer y = TernaryBuffer.allocate(DataType.F32, M * T * H);
    float[] alpha2 = random.vector(E * H, 1);
    byte[] packed13 = new byte[E * 2 * I * H / 4];
    byte[] packed2 = new byte[E * H * I / 4];
    try (TernaryRuntime runtime = TernaryRuntime.create();
        ExpertWeights first = ExpertWeights.pack(w13, E, 2 * I, H, ExpertAlpha.expert(1, 2, 3));
        ExpertWeights second = ExpertWeights.pack(w2, E, H, I, ExpertAlpha.row(alpha2));
        MoeLayer layer =
            MoeLayer.builder(runtime, first, second)
                .gateOrder(GateOrder.UP_GATE)
                .gateFunction(GateFunction.RELU2)
                .combine(false)
                .build()) {
      for (int e = 0; e < E; e++) {
        copy(first.expert(e).repack(Layout.I2S).codes(), packed13, e);
        copy(second.expert(e).repack(Layout.I2S).codes(), packed2, e);
      }
      Routing routing = Routing.of(ids, null, T);
      ExpertOracle.moe(layer, x, H, null, routing, null, null, 0, y, T * H, M);
    }
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("x", x, M, H)
            .put("expert_ids", ids, M, T)
            .put("w13", TensorType.U8, packed13, E, 2 * I, H / 4)
            .put("w2", TensorType.U8, packed2, E, H, I / 4)
            .put("alpha13", new float[] {1, 2, 3}, E)
            .put("alpha2", alpha2, E, H)
            .metadata("alpha2", "row")
            .metadata("order", "up_gate")
            .metadata("function", "relu2")
            .metadata("combine", "false");
    assertThat(run("moe", operands).err()).isEmpty();
    assertOutput("y", y, M, T, H);
    assertFailure(run("moe", operands.metadata("weight_on", "input")), 1, "weights are null");
  }

  private static void copy(byte[] codes, byte[] all, int e) {
    System.arraycopy(codes, 0, all, e * codes.length, codes.length);
  }

  @Test
  void moeRefusesByName() {
    assertRefused("moe", valid().put("extra", new float[1], 1), "the tensor \"extra\"");
    assertRefused("moe", valid().metadata("gate", "up"), "the metadata \"gate\"");
    assertRefused("moe", valid().metadata("order", "gate"), "order is \"gate\"", "up_gate");
    assertRefused("moe", valid().metadata("function", "tanh"), "function is \"tanh\"", "relu2");
    assertRefused("moe", valid().metadata("function", "silu_clamp:x"), "function is \"x\"");
    assertRefused("moe", valid().metadata("function", "silu_clamp"), "clamp is 0");
    assertRefused("moe", valid().metadata("combine", "no"), "combine is \"no\"", "true or false");
    assertRefused("moe", valid().metadata("weight_on", "x"), "weight_on is \"x\"", "input");
    assertRefused("moe", valid().metadata("alpha13", "tensor"), "alpha13 is \"tensor\"", "expert");
    assertRefused("moe", valid().metadata("alpha2", "group:33"), "alpha2 is \"group:33\"");
    assertRefused("moe", valid().metadata("alpha2", "row"), "\"alpha2\" has 3", "192");
    assertRefused("moe", valid().metadata("scaling", "0"), "scaling is 0");
    assertRefused("moe", valid().metadata("rotation2", "64"), "rotation2 is 64", "32");
    assertRefused(
        "moe",
        valid().put("signs13", TensorType.I8, new byte[H], H),
        "\"signs13\" is given without a rotation",
        "rotation13");
    assertRefused(
        "moe",
        withoutIds().put("expert_ids", TernaryBuffer.copyOf(0, 1), 1, 2),
        "\"expert_ids\" has 1 rows");
    assertRefused(
        "moe",
        withoutIds().put("expert_ids", TernaryBuffer.copyOf(0, 1, 2, 3, 0, 0, 0, 0), M, T),
        "row 1, slot 1 is 3");
    assertRefused(
        "moe",
        withoutIds().put("expert_ids", new float[M * T], M, T),
        "is of type F32, must be I32");
    assertRefused(
        "moe",
        matrices()
            .put("expert_ids", ids, M, T)
            .put("alpha13", new float[] {1, 2, 3}, E)
            .put("alpha2", new float[] {1, 1, 1}, E)
            .put("w2", TensorType.I8, w2, E, I, H),
        "\"w2\" has shape [3, 32, 64]",
        "[3, 64, 32]");
  }

  @Test
  void routeGivesTheOraclesBitsOfLogitsAndOfX() {
    int experts = 12;
    TernaryBuffer logits = random.activations(DataType.BF16, M, experts);
    float[] correction = random.vector(experts, 1);
    Router grouped =
        Router.builder(experts, 3)
            .method(RouteMethod.SIGMOID_TOPK)
            .correctionBias(TernaryBuffer.copyOf(DataType.F32, correction))
            .groups(4, 2, GroupScore.MAX)
            .renormalise(1e-20f)
            .scaling(2.5f)
            .build();
    Routing expected = Routing.allocate(M, 3, DataType.BF16);
    ExpertOracle.route(grouped, logits, experts, expected, M);
    SafetensorsWriter operands =
        new SafetensorsWriter()
            .put("logits", logits, M, experts)
            .put("correction_bias", correction, experts)
            .metadata("method", "sigmoid_topk")
            .metadata("k", "3")
            .metadata("groups", "4")
            .metadata("topk_groups", "2")
            .metadata("group_score", "max")
            .metadata("renormalise", "true")
            .metadata("renormalise_eps", "1e-20")
            .metadata("scaling", "2.5")
            .metadata("y_dtype", "BF16");
    assertThat(run("route", operands).err()).isEmpty();
    assertOutput("ids", expected.ids(), M, 3);
    assertOutput("weights", expected.weights(), M, 3);

    TernaryBuffer matrix = random.activations(DataType.F16, experts, H);
    float[] bias = random.vector(experts, 1);
    Router ofX =
        Router.builder(experts, 2)
            .matrix(matrix, H)
            .bias(TernaryBuffer.copyOf(DataType.F32, bias))
            .roundLogits(DataType.BF16)
            .build();
    Routing chosen = Routing.allocate(M, 2, DataType.F32);
    ExpertOracle.route(ofX, x, H, chosen, M);
    SafetensorsWriter rows =
        new SafetensorsWriter()
            .put("x", x, M, H)
            .put("router", matrix, experts, H)
            .put("router_bias", bias, experts)
            .metadata("round_logits", "bf16")
            .metadata("k", "2");
    assertThat(run("route", rows).err()).isEmpty();
    assertOutput("ids", chosen.ids(), M, 2);
    assertOutput("weights", chosen.weights(), M, 2);
  }

  @Test
  void routeRefusesByName() {
    TernaryBuffer logits = random.activations(DataType.F32, M, 8);
    SafetensorsWriter valid = new SafetensorsWriter().put("logits", logits, M, 8);
    assertRefused("route", valid, "route needs the metadata \"k\"");
    assertRefused("route", valid.metadata("k", "9"), "k is 9", "8");
    valid.metadata("k", "2");
    assertRefused("route", valid.metadata("method", "best"), "method is \"best\"", "topk_softmax");
    valid.metadata("method", "topk_softmax");
    assertRefused("route", valid.metadata("renormalise_eps", "1"), "without renormalise");
    valid.metadata("renormalise_eps", "0");
    assertRefused("route", valid.metadata("round_logits", "bf16"), "without a matrix");
    valid.metadata("round_logits", "f32");
    assertRefused("route", valid.metadata("groups", "3").metadata("topk_groups", "1"), "3", "8");
    valid.metadata("groups", "0").metadata("topk_groups", "0");
    assertRefused("route", valid.put("x", x, M, H), "either \"logits\", or \"x\" and \"router\"");
    TernaryBuffer matrix = random.activations(DataType.F32, 8, 32);
    SafetensorsWriter ofX =
        new SafetensorsWriter().put("x", x, M, H).put("router", matrix, 8, 32).metadata("k", "2");
    assertRefused("route", ofX, "\"router\" has 32 columns", "64");
  }
}
