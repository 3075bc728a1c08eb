"""The structs of ternary.h."""

import ctypes


class Sized(ctypes.Structure):
    """A struct of the C interface, which begins with its size."""

    @classmethod
    def sized(cls, **fields):
        return cls(size=ctypes.sizeof(cls), **fields)


class LayerSpec(Sized):
    """ternary_layer_spec."""

    _fields_ = [("size", ctypes.c_size_t), ("weights", ctypes.c_void_p), ("bias", ctypes.c_void_p),
                ("norm_weight", ctypes.c_void_p), ("eps", ctypes.c_float), ("activation", ctypes.c_int),
                ("expected_rows", ctypes.c_int64), ("block", ctypes.c_int64), ("rotation", ctypes.c_int64),
                ("rotation_signs", ctypes.c_void_p)]


class Operands(Sized):
    """ternary_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("x", ctypes.c_void_p), ("ldx", ctypes.c_int64),
                ("x_scale", ctypes.c_void_p), ("y", ctypes.c_void_p), ("ldy", ctypes.c_int64),
                ("residual", ctypes.c_void_p), ("residual_out", ctypes.c_void_p), ("ld_residual", ctypes.c_int64),
                ("x_dtype", ctypes.c_int), ("y_dtype", ctypes.c_int), ("residual_dtype", ctypes.c_int),
                ("call", ctypes.c_void_p)]


class QuantiseOperands(Sized):
    """ternary_quantise_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("K", ctypes.c_int64), ("x", ctypes.c_void_p),
                ("ldx", ctypes.c_int64), ("x_scale", ctypes.c_void_p), ("alpha_column", ctypes.c_void_p),
                ("q", ctypes.c_void_p), ("ldq", ctypes.c_int64), ("s", ctypes.c_void_p), ("x_dtype", ctypes.c_int),
                ("call", ctypes.c_void_p), ("block", ctypes.c_int64), ("rotation", ctypes.c_int64),
                ("rotation_signs", ctypes.c_void_p)]


class RotateOperands(Sized):
    """ternary_rotate_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("K", ctypes.c_int64), ("x", ctypes.c_void_p),
                ("ldx", ctypes.c_int64), ("x_scale", ctypes.c_void_p), ("y", ctypes.c_void_p), ("ldy", ctypes.c_int64),
                ("rotation", ctypes.c_int64), ("signs", ctypes.c_void_p), ("inverse", ctypes.c_int32),
                ("x_dtype", ctypes.c_int), ("y_dtype", ctypes.c_int), ("call", ctypes.c_void_p)]


class Heads(ctypes.Structure):
    """ternary_heads."""

    _fields_ = [("data", ctypes.c_void_p), ("ld", ctypes.c_int64), ("count", ctypes.c_int64),
                ("weight", ctypes.c_void_p), ("eps", ctypes.c_float), ("dtype", ctypes.c_int)]


class QkNormOperands(Sized):
    """ternary_qk_norm_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("head_dim", ctypes.c_int64), ("q", Heads),
                ("k", Heads), ("call", ctypes.c_void_p)]


class MoeSpec(Sized):
    """ternary_moe_spec."""

    _fields_ = [("size", ctypes.c_size_t), ("w13", ctypes.c_void_p), ("w2", ctypes.c_void_p),
                ("gate_order", ctypes.c_int), ("gate_function", ctypes.c_int), ("clamp", ctypes.c_float),
                ("scaling", ctypes.c_float), ("round_gate_up", ctypes.c_int), ("round_activation", ctypes.c_int),
                ("round_product", ctypes.c_int), ("round_expert", ctypes.c_int), ("weight_on_input", ctypes.c_int32),
                ("weight_before_rounding", ctypes.c_int32), ("skip_combine", ctypes.c_int32),
                ("activation", ctypes.c_int), ("block", ctypes.c_int64), ("rotation13", ctypes.c_int64),
                ("signs13", ctypes.c_void_p), ("rotation2", ctypes.c_int64), ("signs2", ctypes.c_void_p)]


class MoeOperands(Sized):
    """ternary_moe_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("T", ctypes.c_int64), ("x", ctypes.c_void_p),
                ("ldx", ctypes.c_int64), ("x_scale", ctypes.c_void_p), ("expert_ids", ctypes.c_void_p),
                ("ld_ids", ctypes.c_int64), ("expert_weights", ctypes.c_void_p), ("ld_weights", ctypes.c_int64),
                ("y", ctypes.c_void_p), ("ldy", ctypes.c_int64), ("residual", ctypes.c_void_p),
                ("residual_out", ctypes.c_void_p), ("ld_residual", ctypes.c_int64), ("x_dtype", ctypes.c_int),
                ("expert_weights_dtype", ctypes.c_int), ("y_dtype", ctypes.c_int), ("residual_dtype", ctypes.c_int),
                ("call", ctypes.c_void_p)]


class RouteOperands(Sized):
    """ternary_route_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("E", ctypes.c_int64), ("k", ctypes.c_int64),
                ("logits", ctypes.c_void_p), ("ld_logits", ctypes.c_int64), ("H", ctypes.c_int64),
                ("x", ctypes.c_void_p), ("ldx", ctypes.c_int64), ("router", ctypes.c_void_p),
                ("ld_router", ctypes.c_int64), ("router_bias", ctypes.c_void_p), ("correction_bias", ctypes.c_void_p),
                ("logits_dtype", ctypes.c_int), ("x_dtype", ctypes.c_int), ("router_dtype", ctypes.c_int),
                ("round_logits", ctypes.c_int), ("method", ctypes.c_int), ("group_score", ctypes.c_int),
                ("renormalise", ctypes.c_int32), ("renormalise_eps", ctypes.c_float), ("groups", ctypes.c_int64),
                ("topk_groups", ctypes.c_int64), ("scaling", ctypes.c_float), ("weights_dtype", ctypes.c_int),
                ("ids", ctypes.c_void_p), ("ld_ids", ctypes.c_int64), ("weights", ctypes.c_void_p),
                ("ld_weights", ctypes.c_int64), ("call", ctypes.c_void_p)]


class AlignOperands(Sized):
    """ternary_align_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("T", ctypes.c_int64), ("E", ctypes.c_int64),
                ("expert_ids", ctypes.c_void_p), ("ld_ids", ctypes.c_int64), ("slots", ctypes.c_void_p),
                ("offsets", ctypes.c_void_p), ("call", ctypes.c_void_p)]


class CombineOperands(Sized):
    """ternary_combine_operands."""

    _fields_ = [("size", ctypes.c_size_t), ("M", ctypes.c_int64), ("T", ctypes.c_int64), ("H", ctypes.c_int64),
                ("E", ctypes.c_int64), ("d", ctypes.c_void_p), ("ldd", ctypes.c_int64),
                ("expert_ids", ctypes.c_void_p), ("ld_ids", ctypes.c_int64), ("expert_weights", ctypes.c_void_p),
                ("ld_weights", ctypes.c_int64), ("y", ctypes.c_void_p), ("ldy", ctypes.c_int64),
                ("residual", ctypes.c_void_p), ("residual_out", ctypes.c_void_p), ("ld_residual", ctypes.c_int64),
                ("d_dtype", ctypes.c_int), ("expert_weights_dtype", ctypes.c_int), ("y_dtype", ctypes.c_int),
                ("residual_dtype", ctypes.c_int), ("scaling", ctypes.c_float), ("reserved", ctypes.c_int32),
                ("call", ctypes.c_void_p)]
