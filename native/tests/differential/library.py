"""libternary.so by its C interface: numpy arrays in, numpy arrays out."""

import ctypes
import json

import numpy as np

from structs import (AlignOperands, CombineOperands, LayerSpec, MoeOperands, MoeSpec, Operands, QkNormOperands,
                     QuantiseOperands, RotateOperands, RouteOperands)

DTYPES = {"f32": 0, "f16": 1, "bf16": 2, "f8": 3, "i8": 4}
STORAGE = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16, "f8": np.uint8, "i8": np.int8, "i32": np.int32}
LAYOUTS = {"i2s": 0, "i2s_tiled": 1, "t5_tiled": 2, "t3_tiled": 3}
KINDS = {"tensor": 0, "row": 1, "column": 2, "group": 3}
ACTIVATIONS = {"a8": 0, "a16": 1}
METHODS = {"absmean": 0, "threshold": 1}
ORDERS = {"gate_up": 0, "up_gate": 1, "interleaved": 2}
FUNCTIONS = {"silu": 0, "silu_clamp": 1, "relu2": 2, "gelu": 3}
ROUTES = {"softmax_topk": 0, "topk_softmax": 1, "sigmoid_topk": 2}
GROUP_SCORES = {"top2": 0, "max": 1}


class Refused(Exception):
    pass


def long(value):
    return ctypes.c_int64(value)


def address(array):
    return ctypes.c_void_p(None if array is None else array.ctypes.data)


def product(x, y):
    """Operands of x and y, both Strided."""
    return Operands.sized(M=y.rows, x=address(x.array), ldx=x.ld, x_dtype=DTYPES[x.dtype], x_scale=address(x.scale),
                          y=address(y.array), ldy=y.ld, y_dtype=DTYPES[y.dtype])


def slots(ids, weights):
    """Fields of ids and weights; the latter may be None."""
    fields = {"expert_ids": address(ids.array), "ld_ids": ids.ld}
    if weights is not None:
        fields |= {"expert_weights": address(weights.array), "ld_weights": weights.ld,
                   "expert_weights_dtype": DTYPES[weights.dtype]}
    return fields


def output(y, residual, residual_out):
    fields = {"y": address(y.array), "ldy": y.ld, "y_dtype": DTYPES[y.dtype]}
    if residual is not None:
        fields |= {"residual": address(residual.array), "residual_out": address(residual_out.array),
                   "ld_residual": residual.ld, "residual_dtype": DTYPES[residual.dtype]}
    return fields


class Library:
    def __init__(self, path):
        self.native = ctypes.CDLL(path)
        self.native.ternary_last_error.restype = ctypes.c_char_p

    def call(self, name, *arguments):
        if getattr(self.native, name)(*arguments) != 0:
            raise Refused(f"{name}: {self.native.ternary_last_error().decode()}")

    def isas(self):
        """Those that the library knows, from ternary_runtime_info()."""
        handle, length = ctypes.c_void_p(), ctypes.c_size_t()
        self.call("ternary_runtime_create", b"TERNARY_NUM_THREADS=1", ctypes.byref(handle))
        self.call("ternary_runtime_info", handle, None, ctypes.c_size_t(0), ctypes.byref(length))
        text = ctypes.create_string_buffer(length.value + 1)
        self.call("ternary_runtime_info", handle, text, ctypes.c_size_t(len(text)), None)
        self.native.ternary_runtime_destroy(handle)
        return [isa["name"] for isa in json.loads(text.value)["isas"]]

    def runtimes(self):
        """One for each instruction set of this machine; threads and fusion vary."""
        made = {}
        for i, isa in enumerate(self.isas()):
            settings = f"TERNARY_MAX_ISA={isa}\nTERNARY_NUM_THREADS={1 + i % 3}\nTERNARY_FUSE_RMSNORM_QKV={i % 2}\n"
            handle = ctypes.c_void_p()
            try:
                self.call("ternary_runtime_create", settings.encode(), ctypes.byref(handle))
                made[isa] = handle
            except Refused as e:
                if f'"{isa}"' not in str(e) and isa not in str(e):
                    raise
        return made

    def weights(self, w, layout, kind, alpha, group):
        """Through I2S as the library itself packs it; free with destroy()."""
        N, K = w.shape
        codes = self.pack(w)
        handle = ctypes.c_void_p()
        self.call("ternary_weights_create", address(codes), 0, long(N), long(K), LAYOUTS[layout], KINDS[kind],
                  address(alpha), long(alpha.size), long(group), ctypes.byref(handle))
        return handle

    def destroy(self, weights):
        self.native.ternary_weights_destroy(weights)

    def linear(self, runtime, weights, use, x, y, bias):
        """`runtime` None: the oracle. `use` has activation, block, rotation and signs. x is Strided, y a Strided that
        is written."""
        self.apply(runtime, weights, use, bias, None, 0, product(x, y))

    def rmsnorm_linear(self, runtime, weights, use, x, residual, residual_out, norm, eps, y, bias):
        operands = product(x, y)
        if residual is not None:
            operands.residual, operands.residual_out = address(residual.array), address(residual_out.array)
            operands.residual_dtype, operands.ld_residual = DTYPES[residual.dtype], residual.ld
        self.apply(runtime, weights, use, bias, norm, eps, operands)

    def apply(self, runtime, weights, use, bias, norm, eps, operands):
        """A product by a layer that is made for it."""
        spec = LayerSpec.sized(weights=weights, bias=address(bias), norm_weight=address(norm), eps=eps,
                               activation=ACTIVATIONS[use.activation], block=use.block, rotation=use.rotation,
                               rotation_signs=address(use.signs))
        layer = ctypes.c_void_p()
        self.call("ternary_layer_create", ctypes.byref(spec), ctypes.byref(layer))
        try:
            head = ("ternary_oracle_apply",) if runtime is None else ("ternary_apply", runtime)
            self.call(*head, layer, ctypes.byref(operands))
        finally:
            self.native.ternary_layer_destroy(layer)

    def quantise(self, runtime, x, alpha, q, s, block, rotation, signs):
        operands = QuantiseOperands.sized(M=x.rows, K=x.columns, x=address(x.array), ldx=x.ld, x_dtype=DTYPES[x.dtype],
                                          x_scale=address(x.scale), alpha_column=address(alpha), q=address(q.array),
                                          ldq=q.ld, s=address(s), block=block, rotation=rotation,
                                          rotation_signs=address(signs))
        head = ("ternary_oracle_quantise",) if runtime is None else ("ternary_quantise", runtime)
        self.call(*head, ctypes.byref(operands))

    def rotate(self, runtime, x, rotation, signs, inverse, y):
        operands = RotateOperands.sized(M=x.rows, K=x.columns, x=address(x.array), ldx=x.ld, x_dtype=DTYPES[x.dtype],
                                        x_scale=address(x.scale), y=address(y.array), ldy=y.ld,
                                        y_dtype=DTYPES[y.dtype], rotation=rotation, signs=address(signs),
                                        inverse=int(inverse))
        head = ("ternary_oracle_rotate",) if runtime is None else ("ternary_rotate", runtime)
        self.call(*head, ctypes.byref(operands))

    def qk_norm(self, runtime, M, head_dim, q, k):
        """q and k are Heads; one that is Heads() is absent."""
        operands = QkNormOperands.sized(M=M, head_dim=head_dim, q=q, k=k)
        head = ("ternary_oracle_qk_norm",) if runtime is None else ("ternary_qk_norm", runtime)
        self.call(*head, ctypes.byref(operands))

    def experts(self, matrix, layout):
        """The weights of an Experts of problems; free with destroy()."""
        E, N, K = matrix.w.shape
        codes = [self.pack(w) for w in matrix.w]
        pointers = (ctypes.c_void_p * E)(*(c.ctypes.data for c in codes))
        handle = ctypes.c_void_p()
        kind = KINDS["tensor" if matrix.kind == "expert" else matrix.kind]
        self.call("ternary_weights_create_experts", pointers, 0, long(E), long(N), long(K), LAYOUTS[layout], kind,
                  address(matrix.alpha), long(matrix.alpha.size), long(matrix.group), ctypes.byref(handle))
        return handle

    def layer_of_experts(self, p):
        """A layer as the problem has it; free with destroy_experts()."""
        made = []
        try:
            made = [self.experts(p.w13, p.layout), self.experts(p.w2, p.layout)]
            spec = MoeSpec.sized(
                w13=made[0], w2=made[1], gate_order=ORDERS[p.order], gate_function=FUNCTIONS[p.function], clamp=p.limit,
                scaling=p.scaling, round_gate_up=DTYPES[p.round_gate_up], round_activation=DTYPES[p.round_activation],
                round_product=DTYPES[p.round_product], round_expert=DTYPES[p.round_expert],
                weight_on_input=int(p.weight_on == "input"), weight_before_rounding=int(p.weight_before_rounding),
                skip_combine=int(not p.combine), activation=ACTIVATIONS[p.activation], block=p.block,
                rotation13=p.w13.rotation, signs13=address(p.w13.signs), rotation2=p.w2.rotation,
                signs2=address(p.w2.signs))
            layer = ctypes.c_void_p()
            self.call("ternary_moe_create", ctypes.byref(spec), ctypes.byref(layer))
            return layer
        finally:
            for weights in made:
                self.destroy(weights)

    def destroy_experts(self, layer):
        self.native.ternary_moe_destroy(layer)

    def moe(self, runtime, layer, x, ids, weights, y, residual, residual_out):
        """All but `runtime` and `layer` are Strided; residual and residual_out may be None."""
        operands = MoeOperands.sized(M=x.rows, T=ids.columns, x=address(x.array), ldx=x.ld, x_scale=address(x.scale),
                                     x_dtype=DTYPES[x.dtype], **slots(ids, weights),
                                     **output(y, residual, residual_out))
        head = ("ternary_oracle_apply_moe",) if runtime is None else ("ternary_apply_moe", runtime)
        self.call(*head, layer, ctypes.byref(operands))

    def combine(self, runtime, E, d, ids, weights, scaling, y, residual, residual_out):
        """As moe(); weights may be None."""
        operands = CombineOperands.sized(M=d.rows, T=ids.columns, H=y.columns, E=E, d=address(d.array), ldd=d.ld,
                                         d_dtype=DTYPES[d.dtype], scaling=scaling, **slots(ids, weights),
                                         **output(y, residual, residual_out))
        head = ("ternary_oracle_combine",) if runtime is None else ("ternary_combine", runtime)
        self.call(*head, ctypes.byref(operands))

    def align(self, runtime, ids, experts, slots_of, offsets):
        operands = AlignOperands.sized(M=ids.rows, T=ids.columns, E=experts, expert_ids=address(ids.array),
                                       ld_ids=ids.ld, slots=address(slots_of), offsets=address(offsets))
        head = ("ternary_oracle_align",) if runtime is None else ("ternary_align", runtime)
        self.call(*head, ctypes.byref(operands))

    def route(self, runtime, p, ids, weights):
        """`p` is a Routing of problems."""
        operands = RouteOperands.sized(
            M=ids.rows, E=p.experts, k=p.k, correction_bias=address(p.correction), method=ROUTES[p.method],
            round_logits=DTYPES[p.round_logits], group_score=GROUP_SCORES[p.group_score],
            renormalise=int(p.renormalise), renormalise_eps=p.eps, groups=p.groups, topk_groups=p.topk_groups,
            scaling=p.scaling, ids=address(ids.array), ld_ids=ids.ld, weights=address(weights.array),
            ld_weights=weights.ld, weights_dtype=DTYPES[weights.dtype])
        if p.logits is not None:
            operands.logits, operands.ld_logits = address(p.logits.array), p.logits.ld
            operands.logits_dtype = DTYPES[p.logits.dtype]
        else:
            operands.H, operands.x, operands.ldx = p.x.columns, address(p.x.array), p.x.ld
            operands.x_dtype, operands.router_dtype = DTYPES[p.x.dtype], DTYPES[p.router.dtype]
            operands.router, operands.ld_router = address(p.router.array), p.router.ld
            operands.router_bias = address(p.router_bias)
        head = ("ternary_oracle_route",) if runtime is None else ("ternary_route", runtime)
        self.call(*head, ctypes.byref(operands))

    def pack(self, w):
        N, K = w.shape
        codes = np.zeros((N, -(-K // 4)), np.uint8)
        self.call("ternary_pack", address(w), long(K), long(N), long(K), address(codes))
        return codes

    def repack(self, codes, source, target, N, K):
        size = ctypes.c_int64()
        self.call("ternary_layout_bytes", LAYOUTS[target], long(N), long(K), ctypes.byref(size))
        made = np.zeros(size.value, np.uint8)
        self.call("ternary_repack", address(codes), LAYOUTS[source], long(N), long(K), address(made), LAYOUTS[target])
        return made

    def unpack(self, codes, N, K):
        w = np.zeros((N, K), np.int8)
        self.call("ternary_unpack", address(codes), long(N), long(K), address(w), long(K))
        return w

    def pack_from(self, name, packed, N, K):
        """`name`: bitnet or ladder."""
        codes = np.zeros((N, -(-K // 4)), np.uint8)
        self.call(f"ternary_pack_{name}", address(packed), long(N), long(K), address(codes))
        return codes

    def ternarise(self, w, dtype, method, kind, group, count):
        N, K = w.rows, w.columns
        codes, alpha = np.zeros((N, -(-K // 4)), np.uint8), np.zeros(count, np.float32)
        self.call("ternary_ternarise", *w.arguments(), long(N), long(K), METHODS[method], KINDS[kind], long(group),
                  address(codes), address(alpha))
        return codes, alpha


class Strided:
    """A [rows, columns] matrix in memory with a row stride and a scale a row; the gaps hold a pattern."""

    PATTERN = 0x5A

    def __init__(self, dtype, rows, columns, ld, values=None, scale=None):
        self.dtype, self.rows, self.columns, self.ld, self.scale = dtype, rows, columns, ld, scale
        self.array = np.full(rows * ld * np.dtype(STORAGE[dtype]).itemsize, self.PATTERN, np.uint8).view(STORAGE[dtype])
        if values is not None:
            self.matrix()[:, :columns] = values

    def matrix(self):
        return self.array.reshape(self.rows, self.ld)

    def values(self):
        return self.matrix()[:, :self.columns].copy()

    def gaps_kept(self):
        return (np.ascontiguousarray(self.matrix()[:, self.columns:]).view(np.uint8) == self.PATTERN).all()

    def arguments(self):
        return address(self.array), DTYPES[self.dtype], long(self.ld)
