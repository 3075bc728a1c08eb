"""Breaks one rule of the second contract after another: compare.py must see each. mutants.py LIBRARY [--problems N]"""

import argparse
import inspect
import sys

import compare
import experts
import near
import numerics
import routing
from library import Library, Refused

# Of each module: what is replaced, by what.
NUMERICS = [
    ("+ 0x7FFF + (bits >> 16 & 1)", "+ 0x8000"),  # bfloat16 ties away from zero
    ("np.where(decides, back, near)", "near"),  # fma through float64 rounds twice
    ("F32(1e-5))\n    scale", "F32(1e-6))\n    scale"),  # BitNet's floor
    ("x * (F32(127) / a)[:, None]", "x / (a / F32(127))[:, None]"),  # a division for a product
    ("a / F32(127), F32(np.nan)", "F32(1) / (F32(127) / a), F32(np.nan)"),
    ("np.rint(np.where(finite[:, None], steps, 0))",
     "np.where(finite[:, None], np.sign(steps) * np.floor(np.abs(steps) + F32(0.5)), 0)"),  # ties away from zero
    ("finite = magnitudes < 0x7F800000", "finite = magnitudes < 0x7F800001"),  # infinity as a value
    ("return left * factor if bias is None", "return (left * scale[:, None]) * (1 if kind in ('column', 'group') else "
     "alpha.reshape(1, -1)) if bias is None"),  # (t * s) * alpha
    ("fma(left, factor, bias[None, :])", "left * factor + bias[None, :]"),
    ("2048 // group", "4096 // group"),
    ("total = p if total is None else total + p", "total = p if total is None else p + (total - p) + p"),
    ("np.zeros((M, 256), F32)", "np.zeros((M, 128), F32)"),
    ("part = part[:, :half] + part[:, half:]", "part = part[:, ::2] + part[:, 1::2]"),
    ("(x * r[:, None]) * weight[None, :]", "x * (r[:, None] * weight[None, :])"),
    ("x = load(out, dtype)", "x = x + load(stored, dtype)"),  # the sum before its rounding
    ("v * 256 + 242", "v * 256"),
    ("np.array([1, 4, 16, 64]).reshape(4, 1, 1)", "np.array([64, 16, 4, 1]).reshape(4, 1, 1)"),
    ("8 * (e % 4) + 2 * (e // 4)", "2 * e"),
    ("F32(2.0 ** -100)", "F32(1e-5)"),  # a token's floor in a block
    ("x = np.where(broken[:, None], F32(0), x)", "broken[:] = False"),  # a block is not finite alone
    ("np.where(some, a / F32(127), F32(0))", "a / F32(127)"),  # of a block of zeros
    ("(F32(127) / a)[:, None])\n        some", "(F32(1) / (a / F32(127)))[:, None])\n        some"),
    ("x if signs is None or inverse else", "x if signs is None else"),
    ("[lower + upper, lower - upper]", "[lower - upper, lower + upper]"),  # a swapped butterfly
    ("stride = 1\n        while stride < columns", "stride = 2\n        while stride < columns"),
    ("v * F32(np.sqrt(F64(1) / columns))", "v / F32(np.sqrt(F64(columns)))"),
    ("None, weight, eps)\n    return normalised.reshape", "None, weight[::-1], eps)\n    return normalised.reshape"),
    ("min(group, block)", "max(group, block)"),
    ("2048 // unit", "4096 // unit"),
    ("p_i = np.zeros((M, N), F32)", "p_i = np.zeros((M, N), F32) if first == 0 else folded"),  # no new super-block
    ("folded = p_i if first == 0 else folded + p_i", "folded = p_i"),  # a super-block that restarts
    ("scale[:, k // block, None]", "scale[:, max(0, k // block - 1), None]"),  # the neighbour's scale
    ("c = c * alpha.reshape(N, -1)[None, :, k // group]", "w = w * 1"),
    ("folded if bias is None else folded + bias[None, :]", "fma(folded, F32(1.0000001), bias[None, :])"
     " if bias is not None else folded"),
    ("fma(folded, a, bias[None, :])", "folded * a + bias[None, :]"),
    ("max(mean, 1e-5)", "mean"),
    ("> 0.7 * mean", ">= 0.8 * mean"),
]
ROUTING = [
    ("x < -104, F32(-104)", "x < -87, F32(-87)"),  # no denormal exp
    ("np.rint(x * INVERSE_LN2)", "np.floor(x * INVERSE_LN2)"),
    ("numerics.fma(n, LN2_LOW, numerics.fma(n, MINUS_LN2_HIGH, x))", "numerics.fma(n, MINUS_LN2_HIGH, x)"),
    ("p = numerics.fma(p, r, c)", "p = p * r + c"),
    ("4.99999851e-1", "0.5"),
    ("F32(1) / (F32(1) + exp(-z))\n\n\ndef silu", "exp(z) / (F32(1) + exp(z))\n\n\ndef silu"),
    ("x / (F32(1) + exp(-x))", "x * sigmoid(x)"),
    ("numerics.fma(F32(0.044715), t, x)", "(F32(0.044715) * t + x)"),
    ("F32(1.5957691216)", "F32(1.702)"),  # the other gelu
    ("return r * r", "return x * x"),
    ("np.where(u < -limit, -limit, u)", "u"),
    ("np.where(g > limit, limit, g)", "np.clip(g, -limit, limit)"),
    ("part[..., :half] + part[..., half:]", "part[..., ::2] + part[..., 1::2]"),
    ("numerics.fma(v, w, part[:, :, :width])", "v * w + part[:, :, :width]"),
    ("rounded(total if bias is None else total + bias[None, :], round_logits)",
     "rounded(total, round_logits) + (F32(0) if bias is None else bias[None, :])"),
    ("logits - logits.max(axis=1, keepdims=True)", "logits"),
    ("d / halving(part)[:, None]", "d * (F32(1) / halving(part)[:, None])"),
    ("np.argsort(-scores, kind=\"stable\")", "np.argsort(scores, kind=\"stable\")[::-1]"),  # ties to the higher id
    ("runs[:, :, -1] + runs[:, :, -2]", "runs[:, :, -1] + runs[:, :, 0]"),
    ("group_score == \"max\" or", ""),
    ("broken | np.isnan(of_runs).any(axis=1)", "broken"),
    ("candidates[descending(choice[m, candidates])[:k]]",  # other runs masked by a value
     "descending(np.where(np.isin(np.arange(E), candidates), choice[m], F32(-np.inf)))[:k]"),
    ("np.tile(np.arange(k, dtype=np.int32)", "np.tile(np.arange(E - k, E, dtype=np.int32)"),  # ids of a row of NaN
    ("choice = scores if correction is None", "choice = logits if correction is None"),  # vanished ones are no ties
    ("np.take_along_axis(scores, ids", "np.take_along_axis(choice, ids"),  # the weight sees the correction
    ("weights = softmax(weights)", "weights = np.take_along_axis(softmax(logits), ids.astype(np.int64), axis=1)"),
    ("for slot in range(1, k)", "for slot in range(k - 1, 0, -1)"),
    ("(total + F32(eps))", "np.maximum(total, F32(eps))"),
    ("weights * F32(scaling)", "weights"),
    ("weights[broken] = np.nan", "weights[broken] = 0"),
]
EXPERTS = [
    ("np.flatnonzero(flat == e)", "np.flatnonzero(flat == e)[::-1]"),
    ("np.where(chosen, p + term, p)", "p + term"),  # the weight of a slot without an expert is read
    ("p + term, p)", "p + term if weights is None else numerics.fma(weights[:, t, None], d[:, t], p), p)"),
    ("for t in range(d.shape[1])", "for t in reversed(range(d.shape[1]))"),
    ("numerics.store(p * F32(scaling), y_dtype)", "numerics.store(p, y_dtype)"),
    ("return y, added(residual, y, y_dtype)", "return y, added(residual, (p * F32(scaling)).astype(F32), 'f32')"),
    ("order == \"interleaved\"", "order == \"gate_up\""),
    ("order == \"up_gate\"", "order == \"gate_up\""),
    ("reshape(len(matrix.w), -1)[e]", "reshape(len(matrix.w), -1)[0]"),  # the first expert's alpha for all
    ("numerics.quantise(rows)", "[v.reshape(rows.shape) if v.ndim == 2 else np.repeat(v, len(rows)) for v in "
     "numerics.quantise(rows.reshape(1, -1))]"),  # one scale for all rows
    ("(alphas[0], alphas[-1])", "(alphas[0], alphas[0])"),
    ("halves(alpha.reshape(len(p.w13.w[e]), -1), p.order)", "halves(alpha.reshape(len(p.w13.w[e]), -1), 'gate_up')"),
    ("rows = rows * weights[:, None]", "rows = rows * weights[:1, None]"),
    ("routing.rounded(side, p.round_gate_up)", "side"),
    ("g, u = routing.clamped(g, u, p.limit)", "g, _ = routing.clamped(g, u, p.limit)"),
    ("routing.rounded(function[p.function](g), p.round_activation)", "function[p.function](g)"),
    ("routing.rounded(f * u, p.round_product)", "f * u"),
    ("numerics.rotate(h, p.w2.rotation, p.w2.signs)", "numerics.rotate(h, p.w2.rotation, None)"),
    ("d = weights[:, None] * d", "d = weights[:, None] * routing.rounded(d, p.round_expert)"),
    ("return routing.rounded(d, p.round_expert)", "return d"),
    ("d = np.zeros((M, T, p.w2.w.shape[1]), F32)", "d = -np.zeros((M, T, p.w2.w.shape[1]), F32)"),
    ("used = p.weight_on == \"input\" or p.weight_before_rounding", "used = p.weight_before_rounding"),
    ("or p.weight_before_rounding", "or False"),
]
NEAR = [
    ("rows = rows.times(given(alpha[None, :]))", "rows = rows"),
    ("numerics.rotate(rows.value, R, matrix.signs)", "numerics.rotate(rows.value, R, None)"),
    ("positive.times(positive)", "positive"),
    ("v / (1 + np.exp(-z))", "v / (1 + np.exp(z))"),
    ("np.clip(u.value, -limit, limit)", "u.value"),
    ("given(np.full((1, 1), p.scaling, np.float32))", "given(np.ones((1, 1), np.float32))"),
    ("np.float32(1) if used else weights", "weights"),
]
MUTANTS = [(numerics, compare.OF_NUMERICS, NUMERICS), (routing, (compare.route, compare.moe), ROUTING),
           (experts, (compare.moe, compare.moe, compare.combine, compare.align), EXPERTS), (near, (compare.moe,), NEAR)]


def mutated(module, old, new):
    source = inspect.getsource(module)
    if old == "np.zeros((M, 256), F32)":
        source = source.replace("range(0, K, 256)", "range(0, K, 128)").replace("first + 256", "first + 128")
    if source.count(old) != 1:
        sys.exit(f"{module.__name__}.py has {source.count(old)} times \"{old}\": mutants.py must name it once")
    namespace = {"__name__": module.__name__}
    exec(compile(source.replace(old, new), f"{module.__name__}.py", "exec"), namespace)
    return namespace


def seen(library, runtimes, families, problems):
    try:
        for seed in range(10 ** 9, 10 ** 9 + problems):
            families[seed % len(families)](library, runtimes, seed)
        return False
    except (compare.Different, Refused):
        return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--problems", type=int, default=4000)
    arguments = parser.parse_args()
    library = Library(arguments.library)
    runtimes = library.runtimes()
    for module, families, mutants in MUTANTS:
        original = dict(vars(module))
        for old, new in mutants:
            changed = {name: value for name, value in mutated(module, old, new).items() if callable(value)}
            vars(module).update(changed)
            try:
                if not seen(library, runtimes, families, arguments.problems):
                    sys.exit(f"nothing sees \"{new}\" in the place of \"{old}\"")
            finally:
                vars(module).update(original)
    print(f"{sum(len(mutants) for _, _, mutants in MUTANTS)} broken rules, each seen")


if __name__ == "__main__":
    main()
