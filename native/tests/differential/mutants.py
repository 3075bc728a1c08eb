"""Breaks one rule of numerics.py after another: compare.py must see each. mutants.py LIBRARY [--problems N]"""

import argparse
import inspect
import sys

import compare
import numerics
from library import Library, Refused

# What is replaced, by what.
MUTANTS = [
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


def mutated(old, new):
    source = inspect.getsource(numerics)
    if old == "np.zeros((M, 256), F32)":
        source = source.replace("range(0, K, 256)", "range(0, K, 128)").replace("first + 256", "first + 128")
    if source.count(old) != 1:
        sys.exit(f"numerics.py has {source.count(old)} times \"{old}\": mutants.py must name it once")
    namespace = {"__name__": "numerics"}
    exec(compile(source.replace(old, new), "numerics.py", "exec"), namespace)
    return namespace


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--problems", type=int, default=4000)
    arguments = parser.parse_args()
    library = Library(arguments.library)
    runtimes = library.runtimes()
    original = dict(vars(numerics))
    for old, new in MUTANTS:
        vars(numerics).update({name: value for name, value in mutated(old, new).items() if callable(value)})
        try:
            for seed in range(10 ** 9, 10 ** 9 + arguments.problems):
                compare.FAMILIES[seed % len(compare.FAMILIES)](library, runtimes, seed)
            sys.exit(f"nothing sees \"{new}\" in the place of \"{old}\"")
        except (compare.Different, Refused):
            pass
        finally:
            vars(numerics).update(original)
    print(f"{len(MUTANTS)} broken rules, each seen")


if __name__ == "__main__":
    main()
