"""Experts, section 12 of the contract, in NumPy with A8: see numerics.py. near.py has A16."""

import numpy as np

import numerics
import routing

F32 = np.float32


def align(ids, experts):
    """Slots m * T + t sorted by expert, those of -1 left out, and where each expert's begin: [E + 1]."""
    flat = ids.reshape(-1)
    slots = np.concatenate([np.flatnonzero(flat == e) for e in range(experts)]).astype(np.int32)
    counts = [np.count_nonzero(flat == e) for e in range(experts)]
    return slots, np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)


def combine(d, ids, weights, scaling, y_dtype, residual):
    """Y stored and residual_out stored or None, of float32 d [M, T, H]. `weights` None: d has them; `residual` is
    (stored, dtype) or None."""
    p = np.zeros((d.shape[0], d.shape[2]), F32)
    with np.errstate(**numerics.QUIET):
        for t in range(d.shape[1]):
            chosen = ids[:, t, None] >= 0
            term = d[:, t] if weights is None else weights[:, t, None] * d[:, t]
            p = np.where(chosen, p + term, p)
        y = numerics.store(p * F32(scaling), y_dtype)
    return y, added(residual, y, y_dtype)


def added(residual, y, y_dtype):
    """residual_out, stored: the residual and Y as it was rounded."""
    if residual is None:
        return None
    stored, dtype = residual
    with np.errstate(**numerics.QUIET):
        return numerics.store(numerics.load(stored, dtype) + numerics.load(y, y_dtype), dtype)


def halves(rows, order):
    """What belongs to the gate and to up of the first axis, rows of W13 in their order."""
    I = len(rows) // 2
    if order == "interleaved":
        return rows[0::2], rows[1::2]
    return (rows[I:], rows[:I]) if order == "up_gate" else (rows[:I], rows[I:])


def of_expert(matrix, e):
    """alpha of expert e as its kind has it: one value, rows, columns (two sets of them are [2, H]), groups."""
    return matrix.alpha.reshape(len(matrix.w), -1)[e]


def product(p, matrix, w, alpha, rows):
    """Rows times w [N, K] by A8, as float32."""
    if matrix.kind == "column":
        rows = numerics.fold_column(rows, alpha)
    q, scale = numerics.quantise_by_block(rows, p.block) if p.block else numerics.quantise(rows)
    kind = "tensor" if matrix.kind == "expert" else matrix.kind
    if p.block:
        return numerics.linear_by_block(q, scale, w, kind, alpha, matrix.group, None, p.block)
    return numerics.linear_a8(q, scale, w, kind, alpha, matrix.group, None)


def gate_and_up(p, e, rows, multiply=product):
    """g and u of expert e before they are rounded."""
    alpha, sides = of_expert(p.w13, e), halves(p.w13.w[e], p.order)
    if p.w13.kind == "column":
        alphas = alpha.reshape(-1, p.w13.w.shape[2])  # one for both, or the gate's and up's
        alphas = (alphas[0], alphas[-1])
    elif p.w13.kind == "expert":
        alphas = (alpha, alpha)
    else:
        alphas = halves(alpha.reshape(len(p.w13.w[e]), -1), p.order)
    return [multiply(p, p.w13, w, a.reshape(-1), rows) for w, a in zip(sides, alphas)]


def input_of_expert(p, rows, weights):
    """Rows of x as they are before column alpha."""
    with np.errstate(**numerics.QUIET):
        if p.weight_on == "input":
            rows = rows * weights[:, None]
    return numerics.rotate(rows, p.w13.rotation, p.w13.signs) if p.w13.rotation else rows


def expert(p, e, rows, weights):
    """d [n, H] of rows [n, H] float32 with expert e, whose weights in them are [n]."""
    g, u = (routing.rounded(side, p.round_gate_up) for side in gate_and_up(p, e, input_of_expert(p, rows, weights)))
    if p.function == "silu_clamp":
        g, u = routing.clamped(g, u, p.limit)
    function = {"silu": routing.silu, "silu_clamp": routing.silu, "relu2": routing.relu2, "gelu": routing.gelu}
    f = routing.rounded(function[p.function](g), p.round_activation)
    with np.errstate(**numerics.QUIET):
        h = routing.rounded(f * u, p.round_product)
        if p.w2.rotation:
            h = numerics.rotate(h, p.w2.rotation, p.w2.signs)
        d = product(p, p.w2, p.w2.w[e], of_expert(p.w2, e), h)
        if p.weight_before_rounding:
            d = weights[:, None] * d
    return routing.rounded(d, p.round_expert)


def outputs(p, rows, ids, weights):
    """d [M, T, H]; +0 where the id is -1."""
    M, T = ids.shape
    d = np.zeros((M, T, p.w2.w.shape[1]), F32)
    for e in range(len(p.w2.w)):
        m, t = np.nonzero(ids == e)
        if m.size:
            d[m, t] = expert(p, e, rows[m], weights[m, t])
    return d


def moe(p, rows, ids, weights, residual):
    """Y stored and residual_out stored or None, of float32 rows [M, H]."""
    d = outputs(p, rows, ids, weights)
    if not p.combine:
        return numerics.store(d.reshape(len(d), -1), p.y_dtype), None
    used = p.weight_on == "input" or p.weight_before_rounding
    return combine(d, ids, None if used else weights, p.scaling, p.y_dtype, residual)
