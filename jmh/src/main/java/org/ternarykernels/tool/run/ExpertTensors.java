package org.ternarykernels.tool.run;

import java.util.List;
import java.util.Locale;
import org.ternarykernels.DataType;
import org.ternarykernels.ExpertAlpha;
import org.ternarykernels.ExpertWeights;
import org.ternarykernels.GateFunction;
import org.ternarykernels.GateOrder;
import org.ternarykernels.GroupScore;
import org.ternarykernels.MoeLayer;
import org.ternarykernels.Rotation;
import org.ternarykernels.RouteMethod;
import org.ternarykernels.Router;
import org.ternarykernels.Routing;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.io.Tensor;
import org.ternarykernels.io.TensorType;

/** The operations of {@code ternary run} with experts. */
final class ExpertTensors {
  private static final TensorType[] WEIGHTS = {TensorType.F32, TensorType.BF16};

  private ExpertTensors() {}

  static void moe(TensorOperation of) {
    OperandFile in = of.in();
    in.check(
        "moe",
        List.of("x", "expert_ids", "w13", "w2", "alpha13", "alpha2"),
        List.of("expert_weights", "x_scale", "residual", "signs13", "signs2"),
        List.of(
            "alpha13",
            "alpha2",
            "order",
            "function",
            "activation",
            "round_gate_up",
            "round_activation",
            "round_product",
            "round_expert",
            "weight_on",
            "weight_before_rounding",
            "scaling",
            "combine",
            "y_dtype",
            "rotation13",
            "rotation2"));
    Tensor x = in.tensor("x", 2, TensorOperation.FLOATS_AND_F8);
    long m = x.shape()[0];
    long h = x.shape()[1];
    Routing routing = routing(in, m);
    long between = in.tensor("w13", 3, TensorType.I8, TensorType.U8).shape()[1] / 2;
    boolean combine = of.flag("combine", true);
    long columns = combine ? h : routing.slots() * h;
    TernaryBuffer y = TernaryBuffer.allocate(of.outputType(), m * columns);
    TernaryBuffer residual =
        in.has("residual")
            ? in.tensor("residual", x.shape(), TensorOperation.FLOATS).toBuffer()
            : null;
    TernaryBuffer residualOut =
        residual == null ? null : TernaryBuffer.allocate(residual.dataType(), m * h);
    try (ExpertWeights w13 = weights(of, "13", 2 * between, h);
        ExpertWeights w2 = weights(of, "2", h, between)) {
      MoeLayer.Builder builder =
          MoeLayer.builder(of.runtime(), w13, w2)
              .combine(combine)
              .rotation13(rotation(of, "13", h))
              .rotation2(rotation(of, "2", between));
      try (MoeLayer layer = steps(of, builder).build()) {
        TernaryBuffer scale = of.scale(m, 1);
        layer.apply(x.toBuffer(), h, scale, routing, residual, residualOut, h, y, columns, m);
      }
    }
    if (combine) {
      of.put("y", y, m, h);
    } else {
      of.put("y", y, m, routing.slots(), h);
    }
    if (residualOut != null) {
      of.put("residual_out", residualOut, m, h);
    }
  }

  private static Routing routing(OperandFile in, long m) {
    Tensor ids = in.tensor("expert_ids", 2, TensorType.I32);
    long slots = ids.shape()[1];
    if (ids.shape()[0] != m) {
      throw new IllegalArgumentException(
          "\"expert_ids\" has " + ids.shape()[0] + " rows and \"x\" " + m + ", must be equal");
    }
    TernaryBuffer weights =
        in.has("expert_weights")
            ? in.tensor("expert_weights", ids.shape(), WEIGHTS).toBuffer()
            : null;
    return Routing.of(ids.toBuffer(), weights, (int) slots);
  }

  /** The matrices w13 or w2 of all experts with their scales, in the layout asked for. */
  private static ExpertWeights weights(TensorOperation of, String which, long n, long k) {
    OperandFile in = of.in();
    Tensor any = in.tensor("w" + which, 3, TensorType.I8, TensorType.U8);
    boolean packed = any.type() == TensorType.U8;
    long experts = any.shape()[0];
    long[] shape = {experts, n, packed ? (k + 3) / 4 : k};
    TernaryBuffer w = in.tensor("w" + which, shape, any.type()).toBuffer();
    ExpertAlpha alpha = alpha(in, "alpha" + which, experts, n, k);
    return packed
        ? ExpertWeights.ofI2s(w, experts, n, k, alpha, of.layout())
        : ExpertWeights.pack(w, experts, n, k, alpha, of.layout());
  }

  private static ExpertAlpha alpha(OperandFile in, String name, long experts, long n, long k) {
    String text = in.text(name, "expert");
    return switch (text.replaceFirst(":.*", "")) {
      case "expert" -> ExpertAlpha.expert(in.floats(name, experts, "E, one an expert"));
      case "row" -> ExpertAlpha.row(in.floats(name, experts * n, "E * rows"));
      case "column" ->
          name.equals("alpha13") && in.elements(name) == experts * 2 * k
              ? ExpertAlpha.columnOfGateAndUp(in.floats(name, experts * 2 * k, "E * 2 * H"))
              : ExpertAlpha.column(in.floats(name, experts * k, "E * columns"));
      case "group" -> {
        long group = WeightTensors.group(in, name);
        long count = experts * n * ((k + group - 1) / group);
        yield ExpertAlpha.group(
            group, in.floats(name, count, "E * rows * ceil(columns / " + group + ")"));
      }
      default ->
          throw new IllegalArgumentException(
              "metadata " + name + " is \"" + text + "\", must be expert, row, column or group:G");
    };
  }

  private static Rotation rotation(TensorOperation of, String which, long k) {
    return of.rotation("rotation" + which, "signs" + which, k);
  }

  /** What the layer does besides its two products. */
  private static MoeLayer.Builder steps(TensorOperation of, MoeLayer.Builder layer) {
    String text = of.in().text("function", "silu");
    if (text.toLowerCase(Locale.ROOT).startsWith("silu_clamp:")) {
      layer.siluClamp(TensorOperation.parse("function", text.substring(text.indexOf(':') + 1)));
    } else {
      layer.gateFunction(of.choice("function", "silu", GateFunction.class));
    }
    return layer
        .gateOrder(of.choice("order", "gate_up", GateOrder.class))
        .activation(of.activation())
        .roundGateUp(rounding(of, "round_gate_up"))
        .roundActivation(rounding(of, "round_activation"))
        .roundProduct(rounding(of, "round_product"))
        .roundExpert(rounding(of, "round_expert"))
        .weightOnInput(isOnInput(of))
        .weightBeforeRounding(of.flag("weight_before_rounding", false))
        .scaling(of.number("scaling", "1"));
  }

  private static boolean isOnInput(TensorOperation of) {
    String text = of.in().text("weight_on", "output");
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "input" -> true;
      case "output" -> false;
      default ->
          throw new IllegalArgumentException(
              "metadata weight_on is \"" + text + "\", must be output or input");
    };
  }

  private static DataType rounding(TensorOperation of, String name) {
    return of.choice(name, "f32", DataType.class);
  }

  static void route(TensorOperation of) {
    OperandFile in = of.in();
    in.check(
        "route",
        List.of(),
        List.of("logits", "x", "router", "router_bias", "correction_bias"),
        List.of(
            "round_logits",
            "method",
            "k",
            "renormalise",
            "renormalise_eps",
            "groups",
            "topk_groups",
            "group_score",
            "scaling",
            "y_dtype"));
    boolean ofX = !in.has("logits");
    if (in.has("x") != ofX || in.has("router") != ofX || !ofX && in.has("router_bias")) {
      throw new IllegalArgumentException(
          "route takes either \"logits\", or \"x\" and \"router\" with an optional"
              + " \"router_bias\"");
    }
    Tensor x = in.tensor(ofX ? "x" : "logits", 2, TensorOperation.FLOATS);
    long m = x.shape()[0];
    Tensor matrix = ofX ? in.tensor("router", 2, TensorOperation.FLOATS) : null;
    int experts = (int) Math.min(Integer.MAX_VALUE, ofX ? matrix.shape()[0] : x.shape()[1]);
    if (ofX && matrix.shape()[1] != x.shape()[1]) {
      throw new IllegalArgumentException(
          "\"router\" has "
              + matrix.shape()[1]
              + " columns and \"x\" "
              + x.shape()[1]
              + ", must be equal");
    }
    int k = (int) TensorOperation.whole("k", RowTensors.required(in, "route", "k"));
    Router.Builder router = Router.builder(experts, k).roundLogits(rounding(of, "round_logits"));
    if (ofX) {
      router.matrix(matrix.toBuffer(), x.shape()[1]).bias(vector(in, "router_bias", experts));
    }
    choice(of, router.correctionBias(vector(in, "correction_bias", experts)));
    Routing routing = Routing.allocate(m, k, of.outputType());
    of.runtime().experts().route(router.build(), x.toBuffer(), routing, m);
    of.put("ids", routing.ids(), m, k);
    of.put("weights", routing.weights(), m, k);
  }

  /** How experts are chosen, and what becomes of their weights. */
  private static void choice(TensorOperation of, Router.Builder router) {
    OperandFile in = of.in();
    router
        .method(of.choice("method", "softmax_topk", RouteMethod.class))
        .groups(
            TensorOperation.whole("groups", in.text("groups", "0")),
            TensorOperation.whole("topk_groups", in.text("topk_groups", "0")),
            of.choice("group_score", "top2", GroupScore.class))
        .scaling(of.number("scaling", "1"));
    float eps = of.number("renormalise_eps", "0");
    if (of.flag("renormalise", false)) {
      router.renormalise(eps);
    } else if (eps != 0) {
      throw new IllegalArgumentException(
          "metadata renormalise_eps is " + eps + " without renormalise, must be 0 or with it");
    }
  }

  private static TernaryBuffer vector(OperandFile in, String name, long experts) {
    return in.has(name)
        ? TernaryBuffer.copyOf(DataType.F32, in.floats(name, experts, "E, one an expert"))
        : null;
  }
}
