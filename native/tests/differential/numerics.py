"""The numerics contract in NumPy, a second time.

Written from the text of the contract alone, by other means than test-data/golden/contract.py, from which the golden
vectors come: whoever reads the text twice and gets the same bits has probably read what it says. Arrays are float32
unless said; NumPy rounds each operation once, to nearest even, and keeps denormals.
"""

import numpy as np

F32, F64 = np.float32, np.float64
QUIET = {"over": "ignore", "under": "ignore", "invalid": "ignore", "divide": "ignore"}


# ---- storage types: name -> bits as an unsigned array, and back to float32 -------------------------------------------

def bf16_bits(x):
    """Rounds to the upper half of a float32: half an ulp is added, less one where the result would be odd."""
    bits = x.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(x), 0x7FC0, rounded).astype(np.uint16)


def store(x, dtype):
    with np.errstate(**QUIET):
        if dtype == "f32":
            return x.astype(F32)
        return x.astype(np.float16) if dtype == "f16" else bf16_bits(x.astype(F32))


def load(stored, dtype):
    """float32 values of stored elements, exactly."""
    if dtype == "bf16":
        return (stored.astype(np.uint32) << 16).view(F32)
    if dtype != "f8":
        return stored.astype(F32)
    exponent, mantissa = stored >> 3 & 15, (stored & 7).astype(F64)
    significand = np.where(exponent == 0, mantissa, mantissa + 8)
    magnitude = np.ldexp(significand, np.maximum(exponent, 1).astype(int) - 10)
    magnitude = np.where(stored & 0x7F == 0x7F, np.nan, magnitude)
    return np.where(stored & 0x80, -magnitude, magnitude).astype(F32)


def fma(a, b, c):
    """a * b + c, rounded once.

    The product of two float32 is exact in float64. So is the error of the sum (TwoSum), which matters only where the
    sum lies half way between two float32.
    """
    with np.errstate(**QUIET):
        product = np.asarray(a, F64) * np.asarray(b, F64)
        addend = np.broadcast_to(np.asarray(c, F64), np.broadcast_shapes(product.shape, np.shape(c)))
        total = product + addend
        virtual = total - product
        error = (product - (total - virtual)) + (addend - virtual)
        near = total.astype(F32)
        away = np.nextafter(near, np.where(total > near, F32(np.inf), F32(-np.inf)))
        # Where the nearest overflows, infinity stands for the next power of two.
        top = F64(2) ** 128
        near64 = np.where(np.isinf(near), np.copysign(top, total), near.astype(F64))
        back = np.where(np.isinf(near), np.copysign(np.finfo(F32).max, total), away).astype(F32)
        half_way = (np.abs(total) < top) & (total != near64) & (
            np.abs(total - near64) == np.abs(back.astype(F64) - total))
        decides = half_way & (error != 0) & (np.sign(error) == np.sign(total - near64))
        return np.where(decides, back, near).astype(F32)


# ---- activations -----------------------------------------------------------------------------------------------------

def rows_of(stored, dtype, scale):
    x = load(stored, dtype)
    with np.errstate(**QUIET):
        return x if scale is None else x * scale[:, None]


def fold_column(x, alpha):
    with np.errstate(**QUIET):
        return x * alpha[None, :]


def quantise(x):
    """q [M, K] as int64 and s [M]."""
    magnitudes = (x.view(np.uint32) & 0x7FFFFFFF).max(axis=1)  # by bits, so that NaN and infinity win
    finite = magnitudes < 0x7F800000
    a = np.maximum(np.where(finite, magnitudes, 0).astype(np.uint32).view(F32), F32(1e-5))
    scale = np.where(finite, a / F32(127), F32(np.nan)).astype(F32)
    with np.errstate(**QUIET):
        steps = x * (F32(127) / a)[:, None]
        q = np.clip(np.rint(np.where(finite[:, None], steps, 0)), -127, 127).astype(np.int64)
    return q, scale


def quantise_by_block(x, block):
    """q [M, K] as int64 and s [M, blocks]; every block has a scale of its own, and no floor of 1e-5."""
    M, K = x.shape
    broken = ~np.isfinite(x).all(axis=1)
    x = np.where(broken[:, None], F32(0), x)
    q, scales = np.zeros((M, K), np.int64), np.zeros((M, -(-K // block)), F32)
    for b in range(scales.shape[1]):
        run = slice(b * block, (b + 1) * block)
        largest = np.abs(x[:, run]).max(axis=1)
        a = np.maximum(largest, F32(2.0 ** -100))
        with np.errstate(**QUIET):
            nearest = np.rint(x[:, run] * (F32(127) / a)[:, None])
        some = largest > 0
        q[:, run] = np.where(some[:, None], np.clip(nearest, -127, 127), 0)
        scales[:, b] = np.where(some, a / F32(127), F32(0))
    scales[broken] = np.nan
    return q, scales


def rotate(x, columns, signs, inverse=False):
    """Runs of columns times a Hadamard matrix: butterflies of stride 1, 2, 4 ..., then one factor."""
    M, K = x.shape
    with np.errstate(**QUIET):
        v = x if signs is None or inverse else x * signs[None, :]
        stride = 1
        while stride < columns:
            pairs = v.reshape(M, K // (2 * stride), 2, stride)
            lower, upper = pairs[:, :, 0], pairs[:, :, 1]
            v = np.stack([lower + upper, lower - upper], axis=2).reshape(M, K)
            stride *= 2
        v = v * F32(np.sqrt(F64(1) / columns))
        return v * signs[None, :] if inverse and signs is not None else v


def head_norm(x, head_dim, weight, eps):
    """Each head of float32 rows [M, heads * head_dim] by itself."""
    normalised, _ = rms_norm(x.reshape(-1, head_dim), None, weight, eps)
    return normalised.reshape(x.shape)


def rms_norm(x, residual, weight, eps):
    """The normalised rows, and what residual_out holds: (stored, dtype) is given and returned, or None."""
    out = None
    with np.errstate(**QUIET):
        if residual is not None:
            stored, dtype = residual
            out = store(x + load(stored, dtype), dtype)
            x = load(out, dtype)
        M, K = x.shape
        part = np.zeros((M, 256), F32)
        for first in range(0, K, 256):
            v = x[:, first:first + 256]
            width = v.shape[1]
            part[:, :width] = fma(v, v, part[:, :width])
        while part.shape[1] > 1:
            half = part.shape[1] // 2
            part = part[:, :half] + part[:, half:]
        total = part[:, 0]
        root = np.sqrt(total / F32(K) + F32(eps))
        r = np.where(np.isfinite(total), F32(1) / root, F32(np.nan)).astype(F32)
        return (x * r[:, None]) * weight[None, :], out


# ---- products --------------------------------------------------------------------------------------------------------

def linear_a8(q, scale, w, kind, alpha, group, bias):
    """Sections 3.1 to 3.3 of the contract."""
    w = w.astype(np.int64)
    with np.errstate(**QUIET):
        if kind == "group":
            left, factor = grouped(q, w, alpha, group), scale[:, None]
        else:
            left = (q @ w.T).astype(F32)
            factor = scale[:, None] if kind == "column" else scale[:, None] * alpha.reshape(1, -1)
        return left * factor if bias is None else fma(left, factor, bias[None, :])


def grouped(q, w, alpha, group):
    M, (N, K) = q.shape[0], w.shape
    alpha = alpha.reshape(N, -1)
    a_super_block = max(1, 2048 // group)
    total = None
    for first in range(0, alpha.shape[1], a_super_block):
        p = np.zeros((M, N), F32)
        for g in range(first, min(first + a_super_block, alpha.shape[1])):
            columns = slice(g * group, (g + 1) * group)
            p = fma((q[:, columns] @ w[:, columns].T).astype(F32), alpha[:, g][None, :], p)
        total = p if total is None else total + p
    return total


def linear_by_block(q, scale, w, kind, alpha, group, bias, block):
    """Products with a scale a block: units of columns with one scale and one alpha, in super-blocks."""
    M, (N, K), w = q.shape[0], w.shape, w.astype(np.int64)
    unit = min(group, block) if kind == "group" else block
    step = unit * max(1, 2048 // unit)
    folded = None
    with np.errstate(**QUIET):
        for first in range(0, K, step):
            p_i = np.zeros((M, N), F32)
            for k in range(first, min(first + step, K), unit):
                c = scale[:, k // block, None]
                if kind == "group":
                    c = c * alpha.reshape(N, -1)[None, :, k // group]
                sums = q[:, k:k + unit] @ w[:, k:k + unit].T
                p_i = fma(sums.astype(F32), c, p_i)
            folded = p_i if first == 0 else folded + p_i
        if kind in ("group", "column"):
            return folded if bias is None else folded + bias[None, :]
        a = alpha.reshape(1, -1)
        return folded * a if bias is None else fma(folded, a, bias[None, :])


def linear_a16(x, w, kind, alpha, group, bias):
    """The exact product in float64, and how far from it a kernel may be: infinitely where its sums may overflow."""
    N, K = w.shape
    if kind == "column":
        x, weights, groups = fold_column(x, alpha), w.astype(F64), 1
    elif kind == "group":
        weights = w * np.repeat(alpha.reshape(N, -1), group, axis=1)[:, :K].astype(F64)
        groups = -(-K // group)
    else:
        weights, groups = w * np.broadcast_to(alpha.reshape(-1, 1), (N, 1)).astype(F64), 1
    with np.errstate(**QUIET):
        exact = x.astype(F64) @ weights.T
        size = np.abs(x.astype(F64)) @ np.abs(weights).T
        # Rows of a non-finite x are NaN; 0 times infinity has made some of theirs so already.
        exact[~np.isfinite(x).all(axis=1)] = np.nan
        if bias is not None:
            exact, size = exact + bias, size + np.abs(bias)
        bound = (K + groups + 8) * 2.0 ** -23 * size
        overflows = np.maximum(np.abs(x.astype(F64)).sum(axis=1)[:, None], size) >= 2.0 ** 127
        bound[np.isfinite(x).all(axis=1) & overflows.any(axis=1)] = np.inf
        return exact, bound


# ---- layouts ---------------------------------------------------------------------------------------------------------

def padded(w, rows, columns):
    """Codes w + 1, with code 1 beyond N and K up to multiples."""
    N, K = w.shape
    codes = np.ones((-(-N // rows) * rows, -(-K // columns) * columns), np.int64)
    codes[:N, :K] = w + 1
    return codes


def i2s(w):
    codes = padded(w, 1, 4).reshape(w.shape[0], -1, 4)
    return (codes * [1, 4, 16, 64]).sum(axis=2).astype(np.uint8)


def i2s_tiled(w):
    """Column k of a tile is 4 * (k / 4) + k mod 4: the first chooses the bits, the second the byte."""
    codes = padded(w, 16, 16)
    tiles = codes.reshape(codes.shape[0] // 16, 16, -1, 4, 4).transpose(0, 2, 1, 4, 3)
    return (tiles * [1, 4, 16, 64]).sum(axis=4).astype(np.uint8).reshape(-1)


def t5_tiled(w):
    codes = padded(w, 16, 20)
    tiles = codes.reshape(codes.shape[0] // 16, 16, -1, 5, 4).transpose(0, 2, 1, 4, 3)
    v = (tiles * [81, 27, 9, 3, 1]).sum(axis=4)
    return ((v * 256 + 242) // 243).astype(np.uint8).reshape(-1)


def t3_tiled(w):
    """Column k of a tile is 6 * step + 3 * lane + j; v is signed, its index and its sign go to bytes of their own."""
    codes = padded(w, 16, 48) - 1
    tiles = codes.reshape(codes.shape[0] // 16, 16, -1, 8, 2, 3).transpose(0, 2, 3, 4, 1, 5)
    v = (tiles * [9, 3, 1]).sum(axis=5)  # [panel, tile, step, lane, row]
    nibbles = np.abs(v)
    indices = nibbles[:, :, 0::2] + 16 * nibbles[:, :, 1::2]
    signs = ((v < 0) * np.array([128, 64, 32, 16, 8, 4, 2, 1]).reshape(8, 1, 1)).sum(axis=2, keepdims=True)
    return np.concatenate([indices, signs], axis=2).astype(np.uint8).reshape(-1)


def bitnet(w, padding):
    """Rows r, r + R, r + 2R, r + 3R in a byte; rows beyond N hold the code `padding`."""
    N, K = w.shape
    quarter = -(-N // 4)
    codes = np.full((4 * quarter, K), padding, np.int64)
    codes[:N] = w + 1
    return (codes.reshape(4, quarter, K) * np.array([1, 4, 16, 64]).reshape(4, 1, 1)).sum(axis=0).astype(np.uint8)


def ladder(w):
    """bitnet.cpp's GPU packing; N is a multiple of 16 and K of 32."""
    N, K = w.shape
    words = np.zeros((N // 16, K // 32, 32), np.uint32)
    for t in range(32):
        row, column = 8 * (t // 16) + t % 8, 16 * (t % 16 // 8)
        for e in range(16):
            codes = (w[row::16, column + e::32] + 2).astype(np.uint32)
            words[:, :, t] |= codes << np.uint32(8 * (e % 4) + 2 * (e // 4))
    return words.astype("<u4").view(np.uint8).reshape(-1)


# ---- ternarise -------------------------------------------------------------------------------------------------------

def ternarise(w, method, kind, group):
    """Codes w [N, K] and alpha of dense float32 weights."""
    N, K = w.shape
    if kind == "tensor":
        cells = [np.s_[:, :]]
    elif kind == "row":
        cells = [np.s_[n:n + 1, :] for n in range(N)]
    elif kind == "column":
        cells = [np.s_[:, k:k + 1] for k in range(K)]
    else:
        cells = [np.s_[n:n + 1, k:k + group] for n in range(N) for k in range(0, K, group)]
    codes, alphas = np.zeros((N, K), np.int8), []
    for cell in cells:
        values = w[cell]
        magnitudes = np.abs(values).astype(F64).reshape(-1)
        mean = np.add.accumulate(magnitudes)[-1] / magnitudes.size  # accumulate adds one after the other
        if method == "absmean":
            alpha = F32(max(mean, 1e-5))
            with np.errstate(**QUIET):
                codes[cell] = np.clip(np.rint(values / alpha), -1, 1)
        else:
            keeps = np.abs(values).astype(F64) > 0.7 * mean
            kept = magnitudes[keeps.reshape(-1)]
            alpha = F32(np.add.accumulate(kept)[-1] / kept.size) if kept.size else F32(0)
            codes[cell] = np.where(keeps, np.sign(values), 0)
        alphas.append(alpha)
    return codes, np.array(alphas, F32)
