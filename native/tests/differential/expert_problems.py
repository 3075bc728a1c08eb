"""Random problems of routing and of experts: see problems.py."""

import numpy as np

import numerics
from library import Strided
from problems import GROUPS, ROTATED_COLUMNS, Source

F32 = np.float32
FLOATS = ("f32", "f32", "f16", "bf16")
COLUMNS = (1, 2, 3, 4, 5, 16, 17, 20, 31, 32, 33, 63, 64, 65, 100, 127, 128, 130, 192, 256, 257, 300)
LOGITS = ("plain", "steep", "ties", "equal", "masked", "zeros", "huge", "close", "inf", "nan", "bits")


class Experts:
    """E matrices w [E, N, K] with their alpha."""

    def __init__(self, source, E, N, K, rotates, two_columns=False):
        self.w = np.stack([source.ternary(N, K) for _ in range(E)])
        self.kind, self.group = source.one_of("expert", "row", "column", "group"), 0
        count = {"expert": 1, "row": N, "column": K * (2 if two_columns and source.chance(0.5) else 1)}.get(self.kind)
        if self.kind == "group":
            self.group = source.one_of(*GROUPS)
            count = N * -(-K // self.group)
        self.alpha = source.normal(E * count) * source.one_of(F32(0.05), F32(0.05), F32(0.5))
        if source.chance(0.1):
            self.alpha[source.below(E * count)] = source.one_of(F32(0), F32(-0.0), F32(1e-42), F32(3e38), F32(-2.5))
        self.rotation, self.signs = source.rotation(K) if rotates else (0, None)


def given_rows(source, M, K, dtype):
    """Strided rows, most of which are plain: what breaks a row is not all that is tried."""
    if dtype == "f8":
        return source.x(M, K, dtype)
    rows = [source.row(K) if source.chance(0.25) else source.normal(K) * source.one_of(F32(1), F32(6))
            for _ in range(M)]
    return Strided(dtype, M, K, source.stride(K), numerics.store(np.stack(rows), dtype))


def slots(source, M, T, E):
    """Ids and weights of slots, Strided; what a slot without an expert holds as its weight is anything."""
    kind = source.one_of("any", "any", "one", "few", "none")
    ids = source.random.integers(0, E, (M, T)).astype(np.int32)
    if kind == "one":
        ids[:] = source.below(E)
    elif kind == "few":
        ids = np.minimum(ids, source.below(E)).astype(np.int32)
    if kind == "none" or source.chance(0.3):
        ids[source.random.random((M, T)) < 0.4] = -1
    if source.chance(0.2):
        ids[source.below(M)] = -1
    weights = np.abs(source.normal(M, T)) * F32(0.5)
    if source.chance(0.2):
        weights[source.below(M), source.below(T)] = source.one_of(F32(0), F32(-0.0), F32(-1), F32(1e-42), F32(np.nan),
                                                                   F32(np.inf), F32(3e38))
    weights[ids < 0] = source.one_of(F32(1), F32(np.nan), F32(np.inf))
    dtype = source.one_of("f32", "bf16")
    return (Strided("i32", M, T, source.stride(T), ids),
            Strided(dtype, M, T, source.stride(T), numerics.store(weights, dtype)))


def added_to(source, M, H):
    """A residual or None."""
    if source.chance(0.5):
        return None
    dtype = source.one_of("f32", "f16", "bf16")
    return Strided(dtype, M, H, source.stride(H), numerics.store(source.normal(M, H), dtype))


def slots_of_a_row(source):
    return source.one_of(1, 1, 2, 3, 4, 5, 8)


class Mixture:
    """A layer of experts and what one call brings."""

    def __init__(self, seed):
        source = Source(seed)
        self.seed, self.activation = seed, source.one_of("a8", "a8", "a8", "a16")
        M, T = source.one_of(1, 1, 2, 3, 5, 9, 17), slots_of_a_row(source)
        E, H, I = source.one_of(1, 2, 3, 4, 5, 8, 16), source.one_of(*COLUMNS), source.one_of(*COLUMNS)
        if source.chance(0.04):  # more than one super-block
            M, E, H, I = source.one_of(1, 2), 2, source.one_of(5, 2048 + source.below(400)), source.one_of(3, 2100)
        if source.chance(0.03):
            M, T, H, I = 2, 64, min(H, 64), min(I, 64)
        rotates = source.chance(0.25), source.chance(0.25)
        H, I = (source.one_of(*ROTATED_COLUMNS[:8]) if rotated else size for rotated, size in zip(rotates, (H, I)))
        self.w13, self.w2 = Experts(source, E, 2 * I, H, rotates[0], True), Experts(source, E, H, I, rotates[1])
        blocks = [b for b in (32, 64, 96, 128, 160, 256, 320, 2048)
                  if all(g == 0 or b % g == 0 or g % b == 0 for g in (self.w13.group, self.w2.group))]
        self.block = source.one_of(*blocks) if self.activation == "a8" and blocks and source.chance(0.5) else 0
        self.layout = source.one_of("i2s", "i2s_tiled", "i2s_tiled", "t5_tiled", "t5_tiled")
        self.order = source.one_of("gate_up", "up_gate", "interleaved")
        self.function = source.one_of("silu", "silu_clamp", "relu2", "gelu")
        self.limit = source.one_of(0.25, 1.0, 7.0) if self.function == "silu_clamp" else 0.0
        self.round_gate_up, self.round_activation, self.round_product, self.round_expert = (
            source.one_of(*FLOATS) for _ in range(4))
        self.weight_on, self.weight_before_rounding = source.one_of(
            ("output", False), ("output", False), ("output", True), ("input", False))
        self.combine = source.chance(0.85)
        self.scaling = source.one_of(1.0, 1.0, 2.5, 0.3, -1.0) if self.combine else 1.0
        self.x = given_rows(source, M, H, source.one_of("f32", "f16", "bf16", "f8"))
        self.ids, self.weights = slots(source, M, T, E)
        unread = not self.combine and self.weight_on == "output" and not self.weight_before_rounding
        if unread and source.chance(0.5):
            self.weights = None
        self.residual = added_to(source, M, H) if self.combine else None
        self.in_place = source.chance(0.5)
        self.y_dtype, width = source.one_of(*FLOATS), H if self.combine else T * H
        self.ldy = source.stride(width)
        self.columns = width

    def __str__(self):
        E, H, I = self.w2.w.shape
        kinds = " ".join(f"{m.kind} {m.group or ''}{f' rotation {m.rotation}' if m.rotation else ''}"
                         for m in (self.w13, self.w2))
        used = f"weight on {self.weight_on}{' before rounding' if self.weight_before_rounding else ''}"
        return (f"moe seed {self.seed}: {self.activation}{f':{self.block}' if self.block else ''} M {self.x.rows} "
                f"T {self.ids.columns} E {E} H {H} I {I} x {self.x.dtype} alpha {kinds} {self.layout} {self.order} "
                f"{self.function} {self.round_gate_up} {self.round_activation} {self.round_product} "
                f"{self.round_expert} {used} scaling {self.scaling} y {self.y_dtype}{'' if self.combine else ' apart'}")


class Routing:
    """A router's logits, or its X and matrix, and how it chooses."""

    def __init__(self, seed):
        source = Source(seed)
        self.seed, self.logits, self.x, self.router, self.router_bias = seed, None, None, None, None
        M, E = source.one_of(1, 1, 2, 3, 8, 17), source.one_of(1, 2, 3, 8, 16, 31, 32, 33, 60, 64, 72, 128, 160, 256)
        self.experts, self.rows, self.round_logits = E, M, "f32"
        self.k = min(E, source.one_of(1, 2, 3, 4, 6, 8, 8, 33, 64))
        self.method = source.one_of("softmax_topk", "topk_softmax", "sigmoid_topk")
        if source.chance(0.35):
            self.experts = E = min(E, 64)
            self.k = min(E, self.k)
            H = source.one_of(*COLUMNS, 600)
            self.x = given_rows(source, M, H, source.one_of("f32", "f16", "bf16"))
            self.router = Strided(source.one_of("f32", "f16", "bf16"), E, H, source.stride(H))
            self.router.matrix()[:, :H] = numerics.store(source.normal(E, H) * F32(0.1), self.router.dtype)
            self.router_bias = source.normal(E) if source.chance(0.5) else None
            self.round_logits = source.one_of(*FLOATS)
        else:
            dtype = source.one_of("f32", "f16", "bf16")
            logits = numerics.store(np.stack([logits_row(source, E) for _ in range(M)]), dtype)
            self.logits = Strided(dtype, M, E, source.stride(E), logits)
        self.correction = correction(source, E) if source.chance(0.4) else None
        self.groups = self.topk_groups = 0
        self.group_score = "top2"
        if source.chance(0.5):
            self.groups = source.one_of(*(g for g in (1, 2, 3, 4, 8, 16, E) if E % g == 0))
            least = -(-self.k * self.groups // E)
            self.topk_groups = least + source.below(self.groups - least + 1)
            self.group_score = source.one_of("top2", "max")
        self.renormalise = source.chance(0.6)
        self.eps = source.one_of(0.0, 1e-20, 0.5) if self.renormalise else 0.0
        self.scaling = source.one_of(1.0, 1.0, 2.5, 0.3)
        self.weights_dtype = source.one_of("f32", "f32", "bf16")
        self.ld_ids, self.ld_weights = source.stride(self.k), source.stride(self.k)

    def __str__(self):
        of = f"logits {self.logits.dtype}" if self.logits else (
            f"x {self.x.dtype} router {self.router.dtype} H {self.x.columns} round {self.round_logits}"
            f"{'' if self.router_bias is None else ' bias'}")
        groups = f" {self.topk_groups} of {self.groups} groups {self.group_score}" if self.groups else ""
        again = f" renormalise {self.eps}" if self.renormalise else ""
        return (f"route seed {self.seed}: {self.method} k {self.k} M {self.rows} E {self.experts} {of}"
                f"{'' if self.correction is None else ' correction'}{groups}{again} scaling {self.scaling} "
                f"{self.weights_dtype}")


def logits_row(source, E):
    kind = source.one_of(*LOGITS)
    row, spot = source.normal(E) * F32(2), source.below(E)
    if kind == "steep":  # most probabilities vanish, and are ties
        row = row * F32(60)
    elif kind == "ties":
        row = np.rint(row)
    elif kind == "equal":
        row[:] = row[0]
    elif kind == "masked":
        row[source.random.random(E) < source.one_of(0.5, 0.9, 1.0)] = F32(-np.inf)
    elif kind == "zeros":
        row = np.where(source.random.random(E) < 0.5, F32(0), F32(-0.0))
    elif kind == "huge":
        row = row * F32(2e37)
    elif kind == "close":
        row = F32(1) + row * F32(2.0 ** -23)
    elif kind in ("inf", "nan"):
        if source.chance(0.5):  # two infinities in a run of experts
            row[source.random.random(E) < 0.5] = F32(-np.inf)
        row[spot] = F32(np.inf) if kind == "inf" else F32(np.nan)
    elif kind == "bits":
        row = source.random.integers(0, 1 << 32, E, dtype=np.uint32).view(F32)
    return row.astype(F32)


def correction(source, E):
    values = source.normal(E) * source.one_of(F32(0.01), F32(0.1), F32(3))
    if source.chance(0.3):
        values = np.rint(values).astype(F32)
    if source.chance(0.1):
        values[source.random.random(E) < 0.3] = F32(-np.inf)
    if source.chance(0.05):
        values[source.below(E)] = F32(np.nan)
    return values
