package org.ternarykernels.binding;

import org.bytedeco.javacpp.annotation.NoException;
import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how to bind {@code ternary.h} and {@code operands.h} to the class {@code Ternary},
 * which is generated at build time. Functions that take structs are bound as {@code operands.h} has
 * them, with scalars.
 *
 * <p>Every pointer is a {@code long}: a call then costs 19 ns, against 37 ns with four {@code
 * Pointer}s and 115 ns with direct buffers (measured on JDK 17). The price is that the binding
 * checks nothing, so it is not exported, and its callers check everything first. JavaCPP only
 * writes the source of the functions; CMake compiles it (java/src/main/cpp).
 */
@NoException // C
@Properties(
    value =
        @Platform(
            include = {"ternary/ternary.h", "operands.h"},
            library = "jniternary"),
    global = "org.ternarykernels.binding.Ternary")
public class TernaryPreset implements InfoMapper {
  @Override
  public void map(InfoMap infoMap) {
    infoMap
        .put(new Info("TERNARY_API").cppTypes().annotations())
        .put(new Info("__cplusplus").define())
        .put(
            new Info(
                    "ternary_runtime",
                    "ternary_weights",
                    "ternary_layer",
                    "ternary_layer_spec",
                    "ternary_moe",
                    "ternary_moe_spec",
                    "ternary_moe_operands",
                    "ternary_route_operands",
                    "ternary_align_operands",
                    "ternary_combine_operands",
                    "ternary_operands",
                    "ternary_quantise_operands",
                    "ternary_rotate_operands",
                    "ternary_heads",
                    "ternary_qk_norm_operands",
                    "ternary_limit_measurement",
                    "ternary_cuda_call",
                    "ternary_prediction")
                .skip()
                .valueTypes("long")
                .cast())
        .put(
            new Info(
                    "ternary_layer_create",
                    "ternary_apply",
                    "ternary_apply_async",
                    "ternary_quantise",
                    "ternary_quantise_async",
                    "ternary_rotate",
                    "ternary_rotate_async",
                    "ternary_qk_norm",
                    "ternary_qk_norm_async",
                    "ternary_oracle_apply",
                    "ternary_oracle_quantise",
                    "ternary_oracle_rotate",
                    "ternary_oracle_qk_norm",
                    "ternary_moe_create",
                    "ternary_apply_moe",
                    "ternary_apply_moe_async",
                    "ternary_route",
                    "ternary_route_async",
                    "ternary_align",
                    "ternary_align_async",
                    "ternary_combine",
                    "ternary_combine_async",
                    "ternary_oracle_apply_moe",
                    "ternary_oracle_route",
                    "ternary_oracle_align",
                    "ternary_oracle_combine")
                .skip())
        .put(
            new Info("char", "int8_t", "uint8_t", "uint64_t", "size_t", "int64_t")
                .valueTypes("long")
                .cast())
        .put(new Info("int32_t").valueTypes("int").pointerTypes("long").cast())
        .put(new Info("void").valueTypes("void").pointerTypes("long").cast())
        .put(new Info("float").valueTypes("float").pointerTypes("long").cast())
        .put(
            new Info(
                    "ternary_status",
                    "ternary_dtype",
                    "ternary_layout",
                    "ternary_alpha_kind",
                    "ternary_activation",
                    "ternary_ternarise_method",
                    "ternary_gate_order",
                    "ternary_gate_function",
                    "ternary_route_method",
                    "ternary_group_score",
                    "ternary_limit")
                .enumerate(false)
                .valueTypes("int")
                .pointerTypes("long")
                .cast());
  }
}
