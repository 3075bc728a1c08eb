"""Elementary functions and routing, sections 10 and 11 of the contract, in NumPy: see numerics.py."""

import numpy as np

import numerics

F32 = np.float32
INVERSE_LN2 = F32(float.fromhex("0x1.715476p+0"))
MINUS_LN2_HIGH, LN2_LOW = F32(-float.fromhex("0x1.62e430p-1")), F32(float.fromhex("0x1.05c610p-29"))
POLYNOMIAL = [F32(c) for c in (1.37805939e-3, 8.37312452e-3, 4.16695364e-2, 1.66664720e-1, 4.99999851e-1, 1, 1)]


# ---- elementary functions --------------------------------------------------------------------------------------------

def exp(x):
    with np.errstate(**numerics.QUIET):
        x = np.where(x > 89, F32(89), x)
        x = np.where(x < -104, F32(-104), x)
        n = np.rint(x * INVERSE_LN2)
        r = numerics.fma(n, LN2_LOW, numerics.fma(n, MINUS_LN2_HIGH, x))
        p = POLYNOMIAL[0]
        for c in POLYNOMIAL[1:]:
            p = numerics.fma(p, r, c)
        n = np.where(np.isnan(n), 0, n).astype(np.int64)
        a = n // 2
        return (p * power_of_two(a)) * power_of_two(n - a)


def power_of_two(exponent):
    return np.ldexp(F32(1), exponent).astype(F32)


def sigmoid(z):
    with np.errstate(**numerics.QUIET):
        return F32(1) / (F32(1) + exp(-z))


def silu(x):
    with np.errstate(**numerics.QUIET):
        return x / (F32(1) + exp(-x))


def gelu(x):
    with np.errstate(**numerics.QUIET):
        t = (x * x) * x
        z = F32(1.5957691216) * numerics.fma(F32(0.044715), t, x)
        return x / (F32(1) + exp(-z))


def relu2(x):
    with np.errstate(**numerics.QUIET):
        r = np.where(x < 0, F32(0), x)
        return r * r


def clamped(g, u, limit):
    """Gate and up as silu_clamp has them before silu."""
    limit = F32(limit)
    return np.where(g > limit, limit, g), np.where(u > limit, limit, np.where(u < -limit, -limit, u))


# ---- routing ---------------------------------------------------------------------------------------------------------

def rounded(x, dtype):
    return numerics.load(numerics.store(x, dtype), dtype)


def halving(part):
    """The sum of the last axis, whose length is a power of two, by halves."""
    while part.shape[-1] > 1:
        half = part.shape[-1] // 2
        part = part[..., :half] + part[..., half:]
    return part[..., 0]


def router_logits(x, router, bias, round_logits):
    """Logits [M, E] of float32 rows x [M, H] and router [E, H]."""
    part = np.zeros((len(x), len(router), 32), F32)
    with np.errstate(**numerics.QUIET):
        for first in range(0, x.shape[1], 32):
            v, w = x[:, None, first:first + 32], router[None, :, first:first + 32]
            width = v.shape[2]
            part[:, :, :width] = numerics.fma(v, w, part[:, :, :width])
        total = halving(part)
        return rounded(total if bias is None else total + bias[None, :], round_logits)


def softmax(logits):
    """Along the second axis."""
    with np.errstate(**numerics.QUIET):
        d = exp(logits - logits.max(axis=1, keepdims=True))
        part = np.zeros((len(d), 32), F32)
        for first in range(0, d.shape[1], 32):
            run = d[:, first:first + 32]
            part[:, :run.shape[1]] = part[:, :run.shape[1]] + run
        return d / halving(part)[:, None]


def descending(scores):
    """Indices by descending score; ties to the lower index. No score is a NaN."""
    return np.argsort(-scores, kind="stable")


def run_scores(choice, groups, group_score):
    """Scores [M, groups] of runs of experts."""
    runs = np.sort(choice.reshape(len(choice), groups, -1), axis=2)
    if group_score == "max" or runs.shape[2] == 1:
        return runs[:, :, -1]
    with np.errstate(**numerics.QUIET):
        return runs[:, :, -1] + runs[:, :, -2]


def choose(choice, k, groups, topk_groups, group_score):
    """Ids [M, k], and which rows have a score that is a NaN: their ids are 0 ... k - 1. `groups` 0: there are none."""
    M, E = choice.shape
    broken = np.isnan(choice).any(axis=1)
    of_runs = run_scores(choice, groups, group_score) if groups else None
    if groups:
        broken = broken | np.isnan(of_runs).any(axis=1)
    ids = np.tile(np.arange(k, dtype=np.int32), (M, 1))
    for m in np.flatnonzero(~broken):
        candidates = np.arange(E)
        if groups:
            best = np.sort(descending(of_runs[m])[:topk_groups])
            candidates = candidates.reshape(groups, -1)[best].reshape(-1)
        ids[m] = candidates[descending(choice[m, candidates])[:k]]
    return ids, broken


def route(logits, method, k, correction=None, groups=0, topk_groups=0, group_score="top2", renormalise=False, eps=0.0,
          scaling=1.0):
    """Ids [M, k] int32 and weights [M, k] float32."""
    scores = {"softmax_topk": softmax, "topk_softmax": lambda x: x, "sigmoid_topk": sigmoid}[method](logits)
    with np.errstate(**numerics.QUIET):
        choice = scores if correction is None else scores + correction[None, :]
        ids, broken = choose(choice, k, groups, topk_groups, group_score)
        weights = np.take_along_axis(scores, ids.astype(np.int64), axis=1)
        if method == "topk_softmax":
            weights = softmax(weights)
        if renormalise:
            total = weights[:, 0]
            for slot in range(1, k):
                total = total + weights[:, slot]
            weights = weights / (total + F32(eps))[:, None]
        weights = weights * F32(scaling)
    weights[broken] = np.nan
    return ids, weights.astype(F32)
