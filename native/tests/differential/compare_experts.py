"""Families of compare.py: routing, aligning, combining and experts."""

import numpy as np

import experts
import near
import numerics
import routing
from differences import Different, same, within
from expert_problems import FLOATS, Mixture, Routing, added_to, slots, slots_of_a_row
from library import Strided
from problems import Source


def paths(runtimes, seed):
    """The oracle, and a runtime whose instruction set the seed chooses."""
    yield "the oracle", None
    isa = list(runtimes)[seed % len(runtimes)]
    yield isa, runtimes[isa]


def kept(strided, what):
    if strided is not None and not strided.gaps_kept():
        raise Different(f"{what}: writes between rows")


def output_of(residual, in_place):
    """A copy of a residual and residual_out for it, or twice None."""
    if residual is None:
        return None, None
    r = residual
    copy = Strided(r.dtype, r.rows, r.columns, r.ld, r.values())
    return copy, copy if in_place else Strided(r.dtype, r.rows, r.columns, r.ld)


def stored_residual(residual):
    return None if residual is None else (residual.values(), residual.dtype)


def expected_routing(p):
    """Ids, and weights stored."""
    if p.logits is not None:
        logits = numerics.load(p.logits.values(), p.logits.dtype)
    else:
        x, router = (numerics.load(of.values(), of.dtype) for of in (p.x, p.router))
        logits = routing.router_logits(x, router, p.router_bias, p.round_logits)
    ids, weights = routing.route(logits, p.method, p.k, p.correction, p.groups, p.topk_groups, p.group_score,
                                 p.renormalise, p.eps, p.scaling)
    return ids, numerics.store(weights, p.weights_dtype)


def route(library, runtimes, seed):
    p = Routing(seed)
    ids, weights = expected_routing(p)
    for name, runtime in paths(runtimes, seed):
        made_ids = Strided("i32", p.rows, p.k, p.ld_ids)
        made_weights = Strided(p.weights_dtype, p.rows, p.k, p.ld_weights)
        library.route(runtime, p, made_ids, made_weights)
        what = f"{p} by {name}"
        same(made_ids.values(), ids, f"{what}: ids")
        same(made_weights.values(), weights, f"{what}: weights")
        kept(made_ids, what)
        kept(made_weights, what)


def expected_mixture(p):
    """(Y stored, bound or None, residual_out stored or None); Y is float64 where there is a bound."""
    rows = numerics.rows_of(p.x.values(), p.x.dtype, p.x.scale)
    ids, w = p.ids.values(), p.weights
    weights = np.zeros(ids.shape, np.float32) if w is None else numerics.load(w.values(), w.dtype)
    if p.activation == "a16":
        return *near.moe(p, rows, ids, weights), None
    y, residual_out = experts.moe(p, rows, ids, weights, stored_residual(p.residual))
    return y, None, residual_out


def moe(library, runtimes, seed):
    p = Mixture(seed)
    expected, bound, expected_out = expected_mixture(p)
    layer = library.layer_of_experts(p)
    try:
        for name, runtime in paths(runtimes, seed):
            y = Strided(p.y_dtype, p.x.rows, p.columns, p.ldy)
            residual, out = output_of(p.residual, p.in_place)
            library.moe(runtime, layer, p.x, p.ids, p.weights, y, residual, out)
            what = f"{p} by {name}"
            if bound is None:
                same(y.values(), expected, f"{what}: Y")
            else:
                within(y, expected, bound, f"{what}: Y")
                expected_out = experts.added(stored_residual(p.residual), y.values(), p.y_dtype)  # of its own Y
            if out is not None:
                same(out.values(), expected_out, f"{what}: residual_out")
            kept(y, what)
            kept(out, what)
    finally:
        library.destroy_experts(layer)


def combine(library, runtimes, seed):
    source = Source(seed)
    M, T, E = source.one_of(1, 2, 5, 17), slots_of_a_row(source), source.one_of(1, 3, 16)
    H, dtype, y_dtype = source.one_of(1, 5, 16, 33, 64, 130), source.one_of(*FLOATS), source.one_of(*FLOATS)
    ids, weights = slots(source, M, T, E)
    weights = weights if source.chance(0.7) else None
    d = np.stack([source.row(T * H) if source.chance(0.3) else source.normal(T * H) for _ in range(M)])
    d = Strided(dtype, M, T * H, source.stride(T * H), numerics.store(d, dtype))
    scaling, given, in_place = source.one_of(1.0, 2.5, 0.3), added_to(source, M, H), source.chance(0.5)
    expected, expected_out = experts.combine(
        numerics.load(d.values(), dtype).reshape(M, T, H), ids.values(),
        None if weights is None else numerics.load(weights.values(), weights.dtype), scaling, y_dtype,
        stored_residual(given))
    for name, runtime in paths(runtimes, seed):
        y = Strided(y_dtype, M, H, source.stride(H))
        residual, out = output_of(given, in_place)
        library.combine(runtime, E, d, ids, weights, scaling, y, residual, out)
        what = f"combine seed {seed}: M {M} T {T} H {H} {dtype} to {y_dtype} by {name}"
        same(y.values(), expected, f"{what}: Y")
        if out is not None:
            same(out.values(), expected_out, f"{what}: residual_out")
        kept(y, what)
        kept(out, what)


def align(library, runtimes, seed):
    source = Source(seed)
    M, T, E = source.one_of(1, 2, 5, 17, 65), source.one_of(1, 2, 8, 64), source.one_of(1, 3, 16, 257)
    ids, _ = slots(source, M, T, E)
    expected, expected_offsets = experts.align(ids.values(), E)
    for name, runtime in paths(runtimes, seed):
        made, offsets = np.full(M * T, -7, np.int32), np.full(E + 1, -7, np.int32)
        library.align(runtime, ids, E, made, offsets)
        what = f"align seed {seed}: M {M} T {T} E {E} by {name}"
        same(offsets, expected_offsets, f"{what}: offsets")
        same(made, np.concatenate([expected, np.full(M * T - len(expected), -7, np.int32)]), f"{what}: slots")
