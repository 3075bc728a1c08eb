"""What counts as a difference between numbers of the library and those of the second contract."""

import numpy as np

import numerics


class Different(Exception):
    pass


def same(actual, expected, what):
    """Equal bits; NaNs are one class."""
    actual, expected = np.ascontiguousarray(actual), np.ascontiguousarray(expected)
    bits = f"u{actual.dtype.itemsize}"
    wrong = actual.view(bits) != expected.view(bits)
    nan = {2: 0x7C00, 4: 0x7F800000}.get(actual.dtype.itemsize if actual.dtype.kind == "f" else 0)
    if nan:
        wrong &= ~(np.isnan(actual) & np.isnan(expected))
    elif actual.dtype == np.uint16:  # bfloat16
        wrong &= ~(((actual & 0x7FFF) > 0x7F80) & ((expected & 0x7FFF) > 0x7F80))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Different(f"{what} differs at {at} and {int(wrong.sum()) - 1} more: {actual[at]!r}, must be {expected[at]!r}")


def within(actual, exact, bound, what):
    """A16: each output of a Strided within its bound of the exact one, and one rounding to its type."""
    values = numerics.load(actual.values(), actual.dtype).astype(np.float64)
    digits, least, top = {"f32": (24, -149, 2.0 ** 128), "f16": (11, -24, 65520), "bf16": (8, -133, 2.0 ** 128)}[actual.dtype]
    with np.errstate(**numerics.QUIET):
        step = np.maximum(np.abs(exact) * 2.0 ** -(digits - 1), 2.0 ** least)
        far = ~(np.abs(values - exact) <= bound + step)
        far &= ~(np.isnan(values) & np.isnan(exact))
        # Near the largest value of the type infinity is an answer; where a partial sum overflows, anything.
        far &= ~((np.abs(exact) + bound + step >= top) | np.isinf(bound))
    if far.any():
        at = tuple(int(i) for i in np.argwhere(far)[0])
        raise Different(f"{what} is too far at {at}: {values[at]!r}, must be {exact[at]!r} +- {bound[at]!r}")
