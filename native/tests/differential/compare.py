"""Compares libternary.so with numerics.py on random problems: compare.py LIBRARY [--problems N] [--seed S]

Exits with 1 and names the problem at the first difference; `--only SEED` repeats that one.
"""

import argparse
import sys
import time

import numpy as np

import numerics
from compare_experts import align, combine, moe, route
from differences import Different, same, within
from library import DTYPES, Library, Strided
from problems import ROTATED_COLUMNS, Product, Source
from structs import Heads


def quantised(rows, block):
    return numerics.quantise_by_block(rows, block) if block else numerics.quantise(rows)


def expected_product(problem):
    """(y stored, bound or None, residual_out stored or None); y is float64 where there is a bound."""
    p, out = problem, None
    x = p.x.values()
    if p.x.dtype == "i8":
        rows = (x.astype(np.int64), p.x.scale)
    else:
        rows = numerics.rows_of(x, p.x.dtype, p.x.scale)
        if p.normed:
            residual = (p.residual.values(), p.residual.dtype) if p.residual else None
            rows, out = numerics.rms_norm(rows, residual, p.norm, p.eps)
        if p.rotation:
            rows = numerics.rotate(rows, p.rotation, p.signs)
        if p.activation == "a16":
            exact, bound = numerics.linear_a16(rows, p.w, p.kind, p.alpha, p.group, p.bias)
            return exact, bound, out
        rows = quantised(numerics.fold_column(rows, p.alpha) if p.kind == "column" else rows, p.block)
    if p.block:
        q, scale = rows
        scale = scale.reshape(p.x.rows, -1)
        y = numerics.linear_by_block(q, scale, p.w, p.kind, p.alpha, p.group, p.bias, p.block)
    else:
        y = numerics.linear_a8(*rows, p.w, p.kind, p.alpha, p.group, p.bias)
    return numerics.store(y, p.y_dtype), None, out


def run_product(library, runtime, weights, problem):
    p = problem
    y = Strided(p.y_dtype, p.x.rows, p.w.shape[0], p.ldy)
    out = None
    if not p.normed:
        library.linear(runtime, weights, p, p.x, y, p.bias)
    else:
        residual = p.residual
        if residual is not None:
            residual = Strided(residual.dtype, residual.rows, residual.columns, residual.ld, residual.values())
            out = residual if p.in_place else Strided(residual.dtype, residual.rows, residual.columns, residual.ld)
        library.rmsnorm_linear(runtime, weights, p, p.x, residual, out, p.norm, p.eps, y, p.bias)
    return y, out


def product(library, runtimes, seed):
    problem = Product(seed)
    expected, bound, expected_out = expected_product(problem)
    weights = library.weights(problem.w, problem.layout, problem.kind, problem.alpha, problem.group)
    try:
        isa = list(runtimes)[seed % len(runtimes)]
        for name, runtime in (("the oracle", None), (isa, runtimes[isa])):
            y, out = run_product(library, runtime, weights, problem)
            what = f"{problem} by {name}: Y"
            if bound is None:
                same(y.values(), expected, what)
            else:
                within(y, expected, bound, what)
            if out is not None:
                same(out.values(), expected_out, f"{problem} by {name}: residual_out")
            if not y.gaps_kept() or out is not None and not out.gaps_kept():
                raise Different(f"{problem} by {name}: writes between rows")
    finally:
        library.destroy(weights)


def quantise(library, runtimes, seed):
    source = Source(seed)
    M, _, K = source.shape()
    block, rotation, signs = source.block(0) if source.chance(0.6) else 0, 0, None
    if source.chance(0.3):
        K = source.one_of(*ROTATED_COLUMNS)
        rotation, signs = source.rotation(K)
    x = source.x(M, K, source.one_of("f32", "f16", "bf16", "f8"))
    alpha = source.alpha("column", 1, K, 0) if source.chance(0.5) else None
    rows = numerics.rows_of(x.values(), x.dtype, x.scale)
    if rotation:
        rows = numerics.rotate(rows, rotation, signs)
    q, s = quantised(rows if alpha is None else numerics.fold_column(rows, alpha), block)
    isa = list(runtimes)[seed % len(runtimes)]
    for name, runtime in (("the oracle", None), (isa, runtimes[isa])):
        made, scales = Strided("i8", M, K, source.stride(K)), np.zeros(s.shape, np.float32)
        library.quantise(runtime, x, alpha, made, scales, block, rotation, signs)
        what = f"quantise seed {seed}: M {M} K {K} {x.dtype} block {block} rotation {rotation} by {name}"
        same(made.values(), q.astype(np.int8), f"{what}: q")
        same(scales, s, f"{what}: s")


def rotate(library, runtimes, seed):
    source = Source(seed)
    M, K = source.shape()[0], source.one_of(*ROTATED_COLUMNS)
    columns, signs = source.rotation(K)
    inverse, y_dtype = source.chance(0.5), source.one_of("f32", "f16", "bf16")
    x = source.x(M, K, source.one_of("f32", "f16", "bf16", "f8"))
    in_place = x.dtype == y_dtype and source.chance(0.5)
    rows = numerics.rotate(numerics.rows_of(x.values(), x.dtype, x.scale), columns, signs, inverse)
    expected = numerics.store(rows, y_dtype)
    isa = list(runtimes)[seed % len(runtimes)]
    for name, runtime in (("the oracle", None), (isa, runtimes[isa])):
        given = Strided(x.dtype, M, K, x.ld, x.values(), x.scale)
        y = given if in_place else Strided(y_dtype, M, K, source.stride(K))
        library.rotate(runtime, given, columns, signs, inverse, y)
        what = (f"rotate seed {seed}: M {M} K {K} {x.dtype} to {y_dtype} columns {columns} "
                f"{'inverse' if inverse else 'forward'} by {name}")
        same(y.values(), expected, what)
        if not y.gaps_kept():
            raise Different(f"{what}: writes between rows")


def qk_norm(library, runtimes, seed):
    """Heads of Q and K in one matrix, as behind a fused product, or Q alone."""
    source = Source(seed)
    M, head_dim = source.shape()[0], source.one_of(1, 2, 7, 16, 64, 80, 128, 256, 300)
    counts = [source.one_of(1, 2, 3, 8), source.one_of(0, 1, 2)]
    dtype, columns = source.one_of("f32", "f16", "bf16"), sum(counts) * head_dim
    # Between the heads, and behind them, lie columns that nothing may touch.
    gap, ld = source.one_of(0, 3), source.stride(columns + 3)
    stored = numerics.store(np.stack([source.row(ld) for _ in range(M)]), dtype)
    expected, sides, first = stored.copy(), [], 0
    for count in counts:
        weight = source.normal(head_dim) * np.float32(0.25) + np.float32(1)
        eps = source.one_of(1e-5, 1e-6, 0.5, 1e-30)
        run = slice(first, first + count * head_dim)
        if count:
            rows = numerics.head_norm(numerics.load(stored[:, run], dtype), head_dim, weight, eps)
            expected[:, run] = numerics.store(rows, dtype)
        sides.append((first, count, weight, eps))
        first = run.stop + gap
    isa = list(runtimes)[seed % len(runtimes)]
    for name, runtime in (("the oracle", None), (isa, runtimes[isa])):
        data = Strided(dtype, M, ld, ld, stored)
        heads = [Heads(data=data.array.ctypes.data + first * data.array.itemsize, ld=ld, count=count,
                       weight=weight.ctypes.data, eps=eps, dtype=DTYPES[dtype]) if count else Heads()
                 for first, count, weight, eps in sides]
        library.qk_norm(runtime, M, head_dim, *heads)
        same(data.values(), expected, f"qk_norm seed {seed}: M {M} heads {counts} of {head_dim} {dtype} by {name}")


def layouts(library, runtimes, seed):
    source = Source(seed)
    _, N, K = source.shape()
    if source.chance(0.3):
        N, K = 16 * (1 + source.below(4)), 32 * (1 + source.below(5))
    w = source.ternary(N, K)
    what = f"layouts seed {seed}: N {N} K {K}"
    codes = library.pack(w)
    same(codes, numerics.i2s(w), f"{what}: i2s")
    made = {"i2s": codes}
    for name, expected in (("i2s_tiled", numerics.i2s_tiled(w)), ("t5_tiled", numerics.t5_tiled(w)),
                           ("t3_tiled", numerics.t3_tiled(w))):
        made[name] = library.repack(codes, "i2s", name, N, K)
        same(made[name], expected, f"{what}: {name}")
    for source_layout in made:
        back = library.repack(made[source_layout], source_layout, "i2s", N, K)
        same(library.unpack(back, N, K), w, f"{what}: back from {source_layout}")
    same(library.pack_from("bitnet", numerics.bitnet(w, source.below(4)), N, K), codes, f"{what}: bitnet")
    if N % 16 == 0 and K % 32 == 0:
        same(library.pack_from("ladder", numerics.ladder(w), N, K), codes, f"{what}: ladder")


def ternarise(library, runtimes, seed):
    source = Source(seed)
    _, N, K = source.shape()
    kind, group = source.kind()
    method, dtype = source.one_of("absmean", "threshold"), source.one_of("f32", "f16", "bf16")
    w = source.normal(N, K) * source.one_of(*(np.float32(v) for v in (1, 0.02, 3e-6, 2.0 ** -130, 2.0 ** 10)))
    if source.chance(0.3):  # magnitudes 1 and 3: 1 / 2 is a tie
        w = np.where(source.random.random((N, K)) < 0.5, np.float32(1), np.float32(-3))
    if source.chance(0.3):
        w[source.below(N)] = np.float32(source.one_of(0.0, -0.0))
    dense = Strided(dtype, N, K, source.stride(K), numerics.store(w, dtype))
    codes, alpha = numerics.ternarise(numerics.load(dense.values(), dtype), method, kind, group)
    made, scales = library.ternarise(dense, dtype, method, kind, group, alpha.size)
    what = f"ternarise seed {seed}: N {N} K {K} {dtype} {method} {kind} {group or ''}"
    same(scales, alpha, f"{what}: alpha")
    same(made, numerics.i2s(codes), f"{what}: codes")


# As often as they are named.
OF_NUMERICS = (product, product, product, product, product, quantise, rotate, qk_norm, layouts, ternarise)
FAMILIES = OF_NUMERICS + (moe, moe, moe, route, route, combine, align)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--problems", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    arguments = parser.parse_args()
    library = Library(arguments.library)
    runtimes = library.runtimes()
    first = arguments.seed * 1_000_000_000
    seeds = [arguments.only] if arguments.only is not None else range(first, first + arguments.problems)
    start, counts = time.monotonic(), {}
    for seed in seeds:
        family = FAMILIES[seed % len(FAMILIES)]
        try:
            family(library, runtimes, seed)
        except Different as e:
            sys.exit(f"{e}\nrepeat it with --only {seed}")
        counts[family.__name__] = counts.get(family.__name__, 0) + 1
    print(f"{counts} on {', '.join(runtimes)}: the same bits, {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()
