"""Experts with A16, whose bits are not promised: exact values in float64, and how far from them a path may be.

Each step's radius is what its operands' radii become, and what the step may add. A NaN whose radius is 0 must be one.
Where a step may overflow in float32 the radius is infinite, and anything is an answer.
"""

import numpy as np

import experts
import numerics
import routing

F64 = np.float64
UNIT = {"f32": 2.0 ** -24, "f16": 2.0 ** -11, "bf16": 2.0 ** -8}  # the most that a rounding changes, over the value
LEAST = {"f32": 2.0 ** -149, "f16": 2.0 ** -24, "bf16": 2.0 ** -133}
TOP = {"f32": 2.0 ** 127, "f16": 2.0 ** 15, "bf16": 2.0 ** 127}


class Near:
    def __init__(self, value, radius, must_be_nan=False):
        with np.errstate(**numerics.QUIET):
            known = np.isfinite(value) & (np.abs(value) + radius < TOP["f32"])  # not so for a radius that is a NaN
            self.value = np.where(must_be_nan, np.nan, value)
            self.radius = np.where(must_be_nan, 0, np.where(known, radius, np.inf))

    def must_be_nan(self):
        return np.isnan(self.value) & (self.radius == 0)

    def most(self):
        return np.abs(self.value) + self.radius

    def rounded(self, dtype="f32"):
        with np.errstate(**numerics.QUIET):
            radius = self.radius + self.most() * UNIT[dtype] + LEAST[dtype]
            return Near(self.value, np.where(self.most() < TOP[dtype], radius, np.inf), self.must_be_nan())

    def times(self, other):
        """One rounding to float32."""
        with np.errstate(**numerics.QUIET):
            radius = self.most() * other.radius + np.abs(other.value) * self.radius
            return Near(self.value * other.value, radius, self.must_be_nan() | other.must_be_nan()).rounded()


def given(values):
    """float32 values as they are. What follows of an infinity depends on signs, and is anything."""
    with np.errstate(**numerics.QUIET):
        return Near(values.astype(F64), np.zeros(values.shape), np.isnan(values))


def given_rows(x):
    """float32 rows of activations: any that is not finite makes its row NaN."""
    return given(np.where(np.isfinite(x), x, np.float32(np.nan)))


def product(p, matrix, w, alpha, rows):
    """Section 5 of the contract. One value in a row that must be a NaN makes the row so."""
    N, K = w.shape
    groups, weights = 1, w.astype(F64)
    if matrix.kind == "column":
        rows = rows.times(given(alpha[None, :]))
    elif matrix.kind == "group":
        weights = w * np.repeat(alpha.reshape(N, -1), matrix.group, axis=1)[:, :K].astype(F64)
        groups = -(-K // matrix.group)
    else:
        weights = w * alpha.reshape(-1, 1).astype(F64)
    with np.errstate(**numerics.QUIET):
        size = rows.most() @ np.abs(weights).T
        radius = rows.radius @ np.abs(weights).T + (K + groups + 8) * 2.0 ** -23 * size + (groups + 2) * LEAST["f32"]
        radius[rows.most().sum(axis=1) >= TOP["f32"]] = np.inf  # sums before alpha
        return Near(rows.value @ weights.T, radius, rows.must_be_nan().any(axis=1)[:, None])


def rotated(rows, matrix):
    if not matrix.rotation:
        return rows
    R = matrix.rotation
    with np.errstate(**numerics.QUIET):
        # A butterfly rounds once a stride; the factor is rounded, and so is the product with it.
        errors = rows.radius + rows.most() * (np.log2(R) + 3) * UNIT["f32"]
        radius = np.repeat(errors.reshape(-1, R).sum(axis=1), R).reshape(errors.shape) / np.sqrt(R) + LEAST["f32"]
        runs = lambda of: np.repeat(of.reshape(-1, R).any(axis=1), R).reshape(of.shape)
        return Near(numerics.rotate(rows.value, R, matrix.signs), radius, runs(rows.must_be_nan()))


def function(name, g):
    with np.errstate(**numerics.QUIET):
        v = g.value
        if name == "relu2":
            positive = Near(np.maximum(v, 0), g.radius, g.must_be_nan())
            return positive.times(positive)
        z = v if name != "gelu" else F64(np.float32(1.5957691216)) * (v + F64(np.float32(0.044715)) * v ** 3)
        # No slope is above 1.13. exp is within an ulp; of gelu z has four roundings, and |z| sigmoid'(z) is below 1/4.
        radius = 1.13 * g.radius + 2.0 ** -21 * g.most() + 2.0 ** -120
        return Near(v / (1 + np.exp(-z)), radius, g.must_be_nan())


def expert(p, e, rows, weights):
    x = given_rows(experts.input_of_expert(p, rows, weights))
    g, u = (side.rounded(p.round_gate_up) for side in experts.gate_and_up(p, e, x, product))
    if p.function == "silu_clamp":
        limit = F64(np.float32(p.limit))
        g = Near(np.minimum(g.value, limit), g.radius, g.must_be_nan())
        u = Near(np.clip(u.value, -limit, limit), u.radius, u.must_be_nan())
    h = function(p.function, g).rounded(p.round_activation).times(u).rounded(p.round_product)
    d = product(p, p.w2, p.w2.w[e], experts.of_expert(p.w2, e), rotated(h, p.w2)).rounded()
    if p.weight_before_rounding:
        d = d.times(given(weights[:, None]))
    return d.rounded(p.round_expert)


def moe(p, rows, ids, weights):
    """Exact values and radii of Y before its own rounding: [M, H], or [M, T * H] of what is not combined."""
    M, T = ids.shape
    shape = (M, T, p.w2.w.shape[1])
    value, radius = np.zeros(shape), np.zeros(shape)
    for e in range(len(p.w2.w)):
        m, t = np.nonzero(ids == e)
        if m.size:
            d = expert(p, e, rows[m], weights[m, t])
            value[m, t], radius[m, t] = d.value, d.radius
    if not p.combine:
        return value.reshape(M, -1), radius.reshape(M, -1)
    used = p.weight_on == "input" or p.weight_before_rounding
    w = np.where(ids >= 0, np.float32(1) if used else weights, np.float32(0))  # where it is -1, d is 0
    with np.errstate(**numerics.QUIET):
        terms = Near(value, radius, np.isnan(value) & (radius == 0)).times(given(w[:, :, None]))
        total = np.abs(terms.most()).sum(axis=1)
        p_m = Near(terms.value.sum(axis=1), terms.radius.sum(axis=1) + T * UNIT["f32"] * total,
                   terms.must_be_nan().any(axis=1))
        y = p_m.times(given(np.full((1, 1), p.scaling, np.float32)))
    return y.value, y.radius
