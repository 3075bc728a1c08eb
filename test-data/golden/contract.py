"""The numerics contract in NumPy, written from its text and from nothing else.

Every array step is one fp32 operation rounded to nearest even (IEEE, denormals kept), which is what NumPy does for
float32 operands. The only operation NumPy lacks is fma; `fma` below is correctly rounded.
"""

from fractions import Fraction

import numpy as np

F32 = np.float32
NAN = F32("nan")


# ---- scalar types ----------------------------------------------------------------------------------------------------

class BF16(np.ndarray):
    """uint16 holding bfloat16 bits."""


class F8(np.ndarray):
    """uint8 holding OCP e4m3fn bits."""


def to_bf16(x):
    """Nearest even by comparing with both neighbours in double, not by the usual integer trick."""
    x = np.asarray(x, F32)
    bits = x.view(np.uint32)
    low = bits >> 16  # towards zero
    high = low + 1  # one step away from zero; may be infinity's pattern, as IEEE wants
    as_double = lambda b: (b << 16).astype(np.uint32).view(F32).astype(np.float64)
    top = np.float64(2.0) ** 128  # infinity counts as the next power of two when rounding
    magnitude = np.abs(x).astype(np.float64)
    down = np.abs(as_double(low))
    up = np.where((high & 0x7FFF) == 0x7F80, top, np.abs(as_double(high & 0x7FFF)))
    with np.errstate(invalid="ignore"):
        to_low, to_high = magnitude - down, up - magnitude
    nearest = np.where(to_low < to_high, low, np.where(to_low > to_high, high, np.where(low & 1, high, low)))
    nearest = np.where(np.isinf(x), low, nearest)
    nearest = np.where(np.isnan(x), low | 0x40, nearest)
    return nearest.astype(np.uint16).view(BF16)


def f8_table():
    table = np.empty(256, F32)
    for bits in range(256):
        sign, exponent, mantissa = bits >> 7, bits >> 3 & 15, bits & 7
        if exponent == 15 and mantissa == 7:
            table[bits] = NAN
        elif exponent == 0:
            table[bits] = (-1) ** sign * mantissa / 8 * 2.0 ** -6
        else:
            table[bits] = (-1) ** sign * (1 + mantissa / 8) * 2.0 ** (exponent - 7)
    table[0x80] = F32(-0.0)
    return table


F8_VALUES = f8_table()


def to_f32(x):
    if isinstance(x, BF16):
        return (np.asarray(x).astype(np.uint32) << 16).view(F32)
    if isinstance(x, F8):
        return F8_VALUES[np.asarray(x)]
    return x.astype(F32)


def from_f32(x, dtype):
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype == "F32":
            return x.astype(F32)
        return x.astype(np.float16) if dtype == "F16" else to_bf16(x)


def dtype_name(x):
    if isinstance(x, BF16):
        return "BF16"
    if isinstance(x, F8):
        return "F8_E4M3"
    return {"float32": "F32", "float16": "F16", "int8": "I8", "uint8": "U8", "int32": "I32"}[x.dtype.name]


# ---- fma -------------------------------------------------------------------------------------------------------------

def fma(a, b, c):
    """a * b + c with one rounding, element by element.

    The product of two fp32 is exact in double. The sum is rounded to odd (its error, known exactly by TwoSum, decides
    the last bit), so rounding once more to fp32 cannot round twice: 53 bits are more than 24 + 2.
    """
    with np.errstate(all="ignore"):
        product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
        addend = np.broadcast_to(np.asarray(c, np.float64), np.broadcast(product, c).shape)
        total = np.asarray(product + addend)
        back = total - product
        error = (product - (total - back)) + (addend - back)
        even = (np.atleast_1d(total).view(np.int64) & 1).reshape(total.shape) == 0
        inexact = np.isfinite(total) & (error != 0) & even
        total = np.where(inexact, np.nextafter(total, np.where(error > 0, np.inf, -np.inf)), total)
        return total.astype(F32)


def fma_exact(a, b, c):
    """The same for finite scalars, by rational arithmetic: slow, obviously right, used to check fma()."""
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if exact == 0:
        return F32(np.float64(a) * np.float64(b) + np.float64(c))  # the sign of zero
    magnitude = abs(exact)
    exponent = max(magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 1, -126)
    while magnitude >= Fraction(2) ** (exponent + 1):
        exponent += 1
    unit = Fraction(2) ** (exponent - 23)
    steps = round(magnitude / unit)  # Python rounds fractions half to even
    value = steps * unit
    if value >= Fraction(2) ** 128:
        return F32(np.inf if exact > 0 else -np.inf)
    return F32(float(value if exact > 0 else -value))


# ---- steps 1 to 4: activations ---------------------------------------------------------------------------------------

def load_rows(x, x_scale=None):
    values = to_f32(x)
    with np.errstate(all="ignore"):
        return values if x_scale is None else (values * x_scale[:, None].astype(F32)).astype(F32)


def times_alpha(x, alpha_column):
    with np.errstate(all="ignore"):
        return x if alpha_column is None else (x * alpha_column[None, :]).astype(F32)


def quantise(x):
    """Steps 2 and 3: returns q (int8) and s of fp32 rows."""
    M, K = x.shape
    q, s = np.zeros((M, K), np.int8), np.empty(M, F32)
    for m in range(M):
        if not np.isfinite(x[m]).all():
            s[m] = NAN
            continue
        a = max(F32(np.abs(x[m]).max()), F32(1e-5))
        inverse = F32(127) / a
        s[m] = a / F32(127)
        scaled = x[m] * inverse
        assert scaled.dtype == F32
        q[m] = np.clip(np.rint(scaled), -127, 127).astype(np.int8)
    return q, s


def rms_norm(x, residual, norm_weight, eps):
    """Returns the normalised rows in fp32 and residual_out (None without a residual)."""
    M, K = x.shape
    residual_out = None
    v = x
    with np.errstate(all="ignore"):
        if residual is not None:
            residual_out = from_f32((x + to_f32(residual)).astype(F32), dtype_name(residual))
            v = to_f32(residual_out)
        part = np.zeros((M, 256), F32)
        for k in range(K):
            part[:, k % 256] = fma(v[:, k], v[:, k], part[:, k % 256])
        width = 128
        while width >= 1:
            part[:, :width] += part[:, width:2 * width]
            width //= 2
        total = part[:, 0]
        r = F32(1) / np.sqrt(total / F32(K) + F32(eps))
        r = np.where(np.isfinite(total), r, NAN).astype(F32)
        normalised = (v * r[:, None]) * norm_weight[None, :]
    assert normalised.dtype == F32
    return normalised, residual_out


# ---- steps 4 to 6: product and epilogue ------------------------------------------------------------------------------

def dots(q, w):
    """Exact integer sums, checked to fit int32."""
    acc = q.astype(np.int64) @ w.astype(np.int64).T
    assert np.abs(acc).max() < 2 ** 31
    return acc


def ascending_sums(f, w):
    """A16: one fp32 accumulator an output, k ascending; a product with -1, 0, +1 is exact."""
    acc = np.zeros((f.shape[0], w.shape[0]), F32)
    with np.errstate(all="ignore"):
        for k in range(f.shape[1]):
            acc = acc + f[:, k, None] * w[None, :, k].astype(F32)
    return acc


def grouped(sums, left, w, alpha, group):
    """Step 6: p of blocks of groups; `sums` is dots() or ascending_sums()."""
    M, (N, K) = left.shape[0], w.shape
    groups = -(-K // group)
    block = max(1, 2048 // group)
    p = None
    for first in range(0, groups, block):
        p_block = np.zeros((M, N), F32)
        for g in range(first, min(first + block, groups)):
            k = slice(g * group, min((g + 1) * group, K))
            p_block = fma(sums(left[:, k], w[:, k]).astype(F32), alpha[None, :, g], p_block)
        with np.errstate(all="ignore"):
            p = p_block if p is None else p + p_block
    return p


def epilogue(t, c, bias, y_dtype):
    with np.errstate(all="ignore"):
        y = (t * c).astype(F32) if bias is None else fma(t, c, bias[None, :])
    return from_f32(y, y_dtype)


def product_a8(q, s, w, kind, alpha, group, bias, y_dtype):
    if kind == "group":
        return epilogue(grouped(dots, q, w, alpha, group), s[:, None], bias, y_dtype)
    t = dots(q, w).astype(F32)
    with np.errstate(all="ignore"):
        c = s[:, None] if kind == "column" else (s[:, None] * alpha.reshape(1, -1)).astype(F32)
    return epilogue(t, c, bias, y_dtype)


def product_a16(f, w, kind, alpha, group, bias, y_dtype):
    f = np.where(np.isfinite(f).all(axis=1)[:, None], f, NAN).astype(F32)
    if kind == "group":
        return epilogue(grouped(ascending_sums, f, w, alpha, group), F32(1), bias, y_dtype)
    c = F32(1) if kind == "column" else alpha.reshape(1, -1)
    return epilogue(ascending_sums(f, w), c, bias, y_dtype)


def product(activation, x, w, kind, alpha, group, bias, y_dtype):
    """`x` is fp32 rows after norm, or a pair (q, s) for int8."""
    if isinstance(x, tuple):
        return product_a8(*x, w, kind, alpha, group, bias, y_dtype)
    x = times_alpha(x, alpha if kind == "column" else None)
    if activation == "a8":
        return product_a8(*quantise(x), w, kind, alpha, group, bias, y_dtype)
    return product_a16(x, w, kind, alpha, group, bias, y_dtype)


# ---- layouts ---------------------------------------------------------------------------------------------------------

def pack_i2s(w):
    """[N, ceil(K/4)] bytes; unused codes are 1."""
    N, K = w.shape
    codes = np.ones((N, -(-K // 4) * 4), np.uint8)
    codes[:, :K] = w + 1
    codes = codes.reshape(N, -1, 4)
    return sum(codes[:, :, i] << (2 * i) for i in range(4)).astype(np.uint8)


def pack_tiled(w):
    """Tiles of 16 x 16: byte 4 * (n mod 16) + (k mod 4), bits 2 * ((k mod 16) / 4)."""
    N, K = w.shape
    rows, columns = -(-N // 16), -(-K // 16)
    tiles = np.zeros((rows, columns, 64), np.uint8)
    for n in range(rows * 16):
        for k in range(columns * 16):
            code = int(w[n, k]) + 1 if n < N and k < K else 1
            tiles[n // 16, k // 16, 4 * (n % 16) + k % 4] |= code << (2 * (k % 16 // 4))
    return tiles.reshape(-1)


def pack_t5(w):
    """Tiles of 16 x 20: byte 4 * (n mod 16) + j of five codes in base 3, as a fraction of 256 rounded up."""
    N, K = w.shape
    rows, columns = -(-N // 16), -(-K // 20)
    tiles = np.zeros((rows, columns, 64), np.uint8)
    for n in range(rows * 16):
        for first in (20 * t + j for t in range(columns) for j in range(4)):
            codes = [int(w[n, k]) + 1 if n < N and k < K else 1 for k in range(first, first + 20, 4)]
            value = int("".join(map(str, codes)), 3)
            tiles[n // 16, first // 20, 4 * (n % 16) + first % 4] = -(-value * 256 // 243)
    return tiles.reshape(-1)


def pack_t3(w):
    """Tiles of 16 x 48: of three columns v = 9 a + 3 b + c as |v| in four bits and a sign in one."""
    N, K = w.shape
    rows, columns = -(-N // 16), -(-K // 48)
    tiles = np.zeros((rows, columns, 160), np.uint8)
    for n in range(N):
        for k in range(0, K, 3):
            a, b, c = (int(w[n, k + j]) if k + j < K else 0 for j in range(3))
            v, tile, triple = 9 * a + 3 * b + c, tiles[n // 16, k // 48], k % 48 // 3
            byte, step = 16 * (triple % 2) + n % 16, triple // 2
            tile[32 * (step // 2) + byte] |= abs(v) << 4 * (step % 2)
            tile[128 + byte] |= (v < 0) << 7 - step
    return tiles.reshape(-1)


def pack_bitnet(w, padding_code):
    """[ceil(N/4), K]: rows r, r + R, r + 2R, r + 3R at bits 0, 2, 4, 6."""
    N, K = w.shape
    R = -(-N // 4)
    codes = np.full((4 * R, K), padding_code, np.uint8)
    codes[:N] = w + 1
    return sum(codes[i * R:(i + 1) * R] << (2 * i) for i in range(4)).astype(np.uint8)


# ---- ternarise -------------------------------------------------------------------------------------------------------

def ascending_double_sum(values):
    total = 0.0
    for value in values:
        total += float(value)  # Python floats are doubles
    return total


def ternarise_cell(values, method):
    """One alpha's weights, row-major, as fp32: returns codes and alpha."""
    magnitudes = [abs(float(v)) for v in values]
    mean = ascending_double_sum(magnitudes) / len(magnitudes)
    if method == "absmean":
        alpha = F32(max(mean, 1e-5))
        codes = [int(min(np.rint(F32(m) / alpha), 1)) for m in magnitudes]  # an fp32 quotient, half to even
    else:
        kept = [m for m in magnitudes if m > 0.7 * mean]
        alpha = F32(ascending_double_sum(kept) / len(kept)) if kept else F32(0)
        codes = [int(m > 0.7 * mean) for m in magnitudes]
    signs = [-1 if float(v) < 0 else 1 for v in values]
    return np.array([c * s for c, s in zip(codes, signs)], np.int8), alpha


def ternarise(w, method, kind, group):
    dense = to_f32(w)
    N, K = dense.shape
    if kind == "tensor":
        cells = [(slice(0, N), slice(0, K))]
    elif kind == "row":
        cells = [(slice(n, n + 1), slice(0, K)) for n in range(N)]
    elif kind == "column":
        cells = [(slice(0, N), slice(k, k + 1)) for k in range(K)]
    else:
        cells = [(slice(n, n + 1), slice(k, min(k + group, K))) for n in range(N) for k in range(0, K, group)]
    codes, alpha = np.empty((N, K), np.int8), []
    for rows, columns in cells:
        cell = dense[rows, columns]
        flat, a = ternarise_cell(cell.reshape(-1), method)
        codes[rows, columns] = flat.reshape(cell.shape)
        alpha.append(a)
    return codes, np.array(alpha, F32)
