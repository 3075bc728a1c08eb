package org.ternarykernels.tool.run;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.io.SafetensorsFile;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.OutputFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "run",
    description =
        "One call on tensors of a safetensors file, so that any other implementation can be"
            + " compared bit for bit.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Tensors in, by op ([] optional):",
      "  linear           x, w, alpha, [x_scale], [bias], [signs]",
      "  rmsnorm_linear   x, w, alpha, norm_weight, [x_scale], [bias], [residual], [signs]",
      "  quantise         x, [x_scale], [alpha] (per column), [signs]",
      "  rotate           x, [x_scale], [signs]",
      "  qk_norm          q, q_weight, k, k_weight (of q and k one may be missing)",
      "  moe              x, expert_ids, expert_weights, w13, alpha13, w2, alpha2, [x_scale],"
          + " [residual], [signs13], [signs2]",
      "  route            logits, or x, router and [router_bias]; [correction_bias]",
      "  ternarise        w",
      "x [M,K] F32, F16, BF16, F8_E4M3 or I8; x_scale [M] F32, of x I8 with blocks [M, ceil(K/B)];"
          + " w [N,K] I8 of -1, 0, 1 or U8 I2S [N, ceil(K/4)], for ternarise F32, F16 or BF16;"
          + " alpha F32; bias [N] F32; residual [M,K] F32, F16 or BF16; norm_weight [K] F32; signs"
          + " [K] I8 of -1, 1; q and k [M, heads * head_dim] F32, F16 or BF16; q_weight and"
          + " k_weight [head_dim] F32.",
      "Of moe: x [M,H]; expert_ids [M,T] I32, of -1 (none) and 0 to E - 1; expert_weights [M,T] F32"
          + " or BF16, which may be missing where nothing reads them; w13 I8 [E,2I,H] or U8 I2S"
          + " [E,2I,ceil(H/4)]; w2 [E,H,I] likewise; alpha13 and alpha2 F32, [E], [E,rows],"
          + " [E,columns] (of w13 [E,2,H] too: gate, then up) or [E,rows,groups]; residual [M,H];"
          + " signs13 [H] and signs2 [I] I8.",
      "Of route: logits [M,E], x [M,H] and router [E,H] F32, F16 or BF16; router_bias and"
          + " correction_bias [E] F32.",
      "Tensors out: y [M,N] and residual_out [M,K]; q [M,K] I8 and s F32 [M], with blocks [M,"
          + " ceil(K/B)]; of rotate y [M,K]; of qk_norm q and k as they came in; w [N,K] I8 and"
          + " alpha F32; of moe y [M,H], or [M,T,H] without combine, and residual_out [M,H]; of"
          + " route ids [M,k] I32 and weights [M,k].",
      "Metadata in: k (where w is U8; default 4 * columns), alpha = tensor|row|column|group:G"
          + " (default tensor), segments = 2560,640,640 (rows of the stacked matrices, one alpha"
          + " each), eps (default 1e-5), y_dtype = F32|F16|BF16 (default F32), activation ="
          + " a8|a8:B|a16 (default a8; B columns have one scale), rotation = R (columns that are"
          + " rotated together; default none), of rotate block = R and inverse = true|false"
          + " (default false), head_dim, q_eps and k_eps (default 1e-5), method = absmean|threshold"
          + " (default absmean).",
      "Metadata in of moe: alpha13 and alpha2 = expert|row|column|group:G (default expert), order ="
          + " gate_up|up_gate|interleaved (default gate_up), function ="
          + " silu|silu_clamp:7|relu2|gelu (default silu), round_gate_up, round_activation,"
          + " round_product and round_expert = f32|bf16|f16 (default f32), weight_on = output|input"
          + " (default output), weight_before_rounding = true|false (default false), scaling"
          + " (default 1), combine = true|false (default true), rotation13 and rotation2 = R;"
          + " activation and y_dtype as above.",
      "Metadata in of route: k, method = softmax_topk|topk_softmax|sigmoid_topk (default"
          + " softmax_topk), round_logits = f32|bf16|f16 (default f32), renormalise = true|false"
          + " (default false), renormalise_eps (default 0), groups and topk_groups (default 0),"
          + " group_score = top2|max (default top2), scaling (default 1), y_dtype = F32|BF16 of the"
          + " weights (default F32).",
      "Metadata out: path, the kernel that served.",
      "JSON: op, path, tensors {name: shape}, path_counts, fallback_counts."
    })
public final class RunCommand implements Callable<Integer> {
  /** What can be run. */
  enum Op {
    LINEAR(TensorOperation::linear),
    RMSNORM_LINEAR(TensorOperation::rmsNormLinear),
    QUANTISE(RowTensors::quantise),
    ROTATE(RowTensors::rotate),
    QK_NORM(RowTensors::qkNorm),
    MOE(ExpertTensors::moe),
    ROUTE(ExpertTensors::route),
    TERNARISE(TensorOperation::ternarise);

    /** Takes its operands from the operation's file, and puts its results. */
    final Consumer<TensorOperation> compute;

    Op(Consumer<TensorOperation> compute) {
      this.compute = compute;
    }
  }

  @Option(
      names = "--op",
      required = true,
      paramLabel = "OP",
      description = "linear, rmsnorm_linear, quantise, rotate, qk_norm, moe, route or ternarise.")
  private Op op;

  @Option(
      names = "--in",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file with the operands.")
  private Path in;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE",
      converter = OutputFile.FromText.class,
      description =
          "Safetensors file for the results; appears whole or not at all. A device or a FIFO is"
              + " written to.")
  private OutputFile out;

  @Option(
      names = "--layout",
      paramLabel = "LAYOUT",
      defaultValue = "i2s_tiled",
      description =
          "Layout the weights are kept in: ${COMPLETION-CANDIDATES}, in small letters too (default:"
              + " ${DEFAULT-VALUE}). The portable kernels alone read I2S.")
  private Layout layout;

  @Option(
      names = "--expected-rows",
      paramLabel = "M",
      description =
          "Rows that the layer is built for, 0 to 2147483647 (default: those of x): on a GPU of"
              + " compute capability 10.0 they decide how its weights are arranged.")
  private Long expectedRows;

  @Mixin private RuntimeOptions runtimeOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    RuntimeOptions.require(
        expectedRows == null || (expectedRows >= 0 && expectedRows <= Integer.MAX_VALUE),
        spec.commandLine(),
        "--expected-rows",
        expectedRows,
        "0 to " + Integer.MAX_VALUE);
    Map<String, Object> json = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(in);
        TernaryRuntime runtime = runtimeOptions.open()) {
      TensorOperation operation =
          new TensorOperation(op, new OperandFile(file), layout, expectedRows, runtime);
      out.write(operation.run()::writeTo);
      spec.commandLine()
          .getOut()
          .println(op.name().toLowerCase(Locale.ROOT) + ": " + operation.path());
      spec.commandLine().getOut().flush();
      json.put("op", op.name().toLowerCase(Locale.ROOT));
      json.put("path", operation.path());
      json.put("tensors", operation.shapes());
      json.put("path_counts", runtime.pathCounts());
      json.put("fallback_counts", runtime.fallbackCounts());
    }
    output.write(json);
    return 0;
  }
}
