"""Files for `ternary run`, with what it must answer: tool_problems.py FOLDER [--problems N] [--seed S]

Writes NUMBER.OP.in.safetensors and NUMBER.OP.out.safetensors. The first are operands with their metadata, the second
the tensors that numerics.py makes of them. Products are of A8, whose bits are promised.
"""

import argparse
import itertools
import json
import pathlib
import struct

import numpy as np

import compare
import compare_experts
import numerics
from expert_problems import Mixture, Routing
from problems import ROTATED_COLUMNS, Product, Source

DTYPES = {"float32": "F32", "float16": "F16", "uint16": "BF16", "uint8": "F8_E4M3", "int8": "I8",
          "int32": "I32"}


def write(path, tensors, metadata):
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    # Widest elements first keeps every tensor aligned to its element.
    for name, value in sorted(tensors.items(), key=lambda item: -item[1].itemsize):
        blob = np.ascontiguousarray(value).tobytes()
        header[name] = {"dtype": DTYPES[value.dtype.name], "shape": list(value.shape),
                        "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def given(**tensors):
    return {name: value for name, value in tensors.items() if value is not None}


def signs_of(signs):
    return None if signs is None else signs.astype(np.int8)


def scales(scale, M):
    """[M], or [M, blocks]."""
    return scale if scale is None or scale.size == M else scale.reshape(M, -1)


def product(seed):
    p = next(p for p in map(Product, itertools.count(1000 * seed)) if p.activation == "a8")
    y, _, residual_out = compare.expected_product(p)
    tensors = given(x=p.x.values(), x_scale=scales(p.x.scale, p.x.rows), w=p.w, alpha=p.alpha, bias=p.bias,
                    signs=signs_of(p.signs))
    metadata = {"alpha": f"group:{p.group}" if p.group else p.kind, "y_dtype": p.y_dtype.upper(),
                "activation": f"a8:{p.block}" if p.block else "a8"}
    if p.rotation:
        metadata["rotation"] = str(p.rotation)
    if p.normed:
        tensors |= given(norm_weight=p.norm, residual=p.residual and p.residual.values())
        metadata["eps"] = repr(p.eps)
    return "rmsnorm_linear" if p.normed else "linear", tensors, metadata, given(y=y, residual_out=residual_out)


def quantise(seed):
    source = Source(seed)
    M, block, K = source.shape()[0], source.block(0), source.one_of(*ROTATED_COLUMNS)
    rotation, signs = source.rotation(K) if source.chance(0.5) else (0, None)
    x = source.x(M, K, source.one_of("f32", "f16", "bf16", "f8"))
    rows = numerics.rows_of(x.values(), x.dtype, x.scale)
    q, s = numerics.quantise_by_block(numerics.rotate(rows, rotation, signs) if rotation else rows, block)
    metadata = {"activation": f"a8:{block}"} | ({"rotation": str(rotation)} if rotation else {})
    return ("quantise", given(x=x.values(), x_scale=x.scale, signs=signs_of(signs)), metadata,
            {"q": q.astype(np.int8), "s": s})


def rotate(seed):
    source = Source(seed)
    M, K, y_dtype = source.shape()[0], source.one_of(*ROTATED_COLUMNS), source.one_of("f32", "f16", "bf16")
    columns, signs = source.rotation(K)
    inverse = source.chance(0.5)
    x = source.x(M, K, source.one_of("f32", "f16", "bf16", "f8"))
    y = numerics.rotate(numerics.rows_of(x.values(), x.dtype, x.scale), columns, signs, inverse)
    metadata = {"block": str(columns), "inverse": str(inverse).lower(), "y_dtype": y_dtype.upper()}
    return ("rotate", given(x=x.values(), x_scale=x.scale, signs=signs_of(signs)), metadata,
            {"y": numerics.store(y, y_dtype)})


def qk_norm(seed):
    source = Source(seed)
    M, head_dim = source.shape()[0], source.one_of(1, 7, 64, 128, 300)
    tensors, metadata, expected = {}, {"head_dim": str(head_dim)}, {}
    for name in source.one_of("qk", "qk", "q", "k"):
        count, dtype, eps = source.one_of(1, 2, 5), source.one_of("f32", "f16", "bf16"), source.one_of(1e-5, 1e-6, 0.5)
        stored = numerics.store(np.stack([source.row(count * head_dim) for _ in range(M)]), dtype)
        weight = source.normal(head_dim) * np.float32(0.25) + np.float32(1)
        tensors |= {name: stored, f"{name}_weight": weight}
        metadata[f"{name}_eps"] = repr(eps)
        expected[name] = numerics.store(numerics.head_norm(numerics.load(stored, dtype), head_dim, weight, eps), dtype)
    return "qk_norm", tensors, metadata, expected


def values_of(strided):
    return None if strided is None else strided.values()


def alpha_of(matrix):
    """The metadata of an alpha of experts, and its tensor: [E], or [E, values of one]."""
    alpha = matrix.alpha if matrix.kind == "expert" else matrix.alpha.reshape(len(matrix.w), -1)
    return f"group:{matrix.group}" if matrix.group else matrix.kind, alpha


def moe(seed):
    p = next(p for p in map(Mixture, itertools.count(1000 * seed)) if p.activation == "a8")
    y, _, residual_out = compare_experts.expected_mixture(p)
    kind13, alpha13 = alpha_of(p.w13)
    kind2, alpha2 = alpha_of(p.w2)
    tensors = given(x=p.x.values(), x_scale=p.x.scale, expert_ids=p.ids.values(), expert_weights=values_of(p.weights),
                    w13=p.w13.w, w2=p.w2.w, alpha13=alpha13, alpha2=alpha2, signs13=signs_of(p.w13.signs),
                    signs2=signs_of(p.w2.signs), residual=values_of(p.residual))
    metadata = {"alpha13": kind13, "alpha2": kind2, "order": p.order,
                "function": f"silu_clamp:{p.limit}" if p.function == "silu_clamp" else p.function,
                "activation": f"a8:{p.block}" if p.block else "a8", "round_gate_up": p.round_gate_up,
                "round_activation": p.round_activation, "round_product": p.round_product,
                "round_expert": p.round_expert, "weight_on": p.weight_on,
                "weight_before_rounding": str(p.weight_before_rounding).lower(), "scaling": repr(p.scaling),
                "combine": str(p.combine).lower(), "y_dtype": p.y_dtype.upper(), "rotation13": str(p.w13.rotation),
                "rotation2": str(p.w2.rotation)}
    if not p.combine:
        y = y.reshape(*p.ids.values().shape, -1)
    return "moe", tensors, metadata, given(y=y, residual_out=residual_out)


def route(seed):
    p = Routing(seed)
    ids, weights = compare_experts.expected_routing(p)
    tensors = given(logits=values_of(p.logits), x=values_of(p.x), router=values_of(p.router),
                    router_bias=p.router_bias, correction_bias=p.correction)
    metadata = {"round_logits": p.round_logits, "method": p.method, "k": str(p.k),
                "renormalise": str(p.renormalise).lower(), "renormalise_eps": repr(p.eps), "groups": str(p.groups),
                "topk_groups": str(p.topk_groups), "group_score": p.group_score, "scaling": repr(p.scaling),
                "y_dtype": p.weights_dtype.upper()}
    return "route", tensors, metadata, {"ids": ids.astype(np.int32), "weights": weights}


FAMILIES = (product, product, product, quantise, rotate, qk_norm, moe, moe, route)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--problems", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for number in range(arguments.problems):
        family = FAMILIES[number % len(FAMILIES)]
        op, tensors, metadata, expected = family(arguments.seed * 1_000_000 + number)
        name = f"{number:04d}.{op}"
        write(arguments.folder / f"{name}.in.safetensors", tensors, metadata)
        write(arguments.folder / f"{name}.out.safetensors", expected, {})


if __name__ == "__main__":
    main()
