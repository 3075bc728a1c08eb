"""Writes the golden vectors: python generate.py [--check]

`--check` writes nothing and fails if what would be written differs from SHA256SUMS. The random numbers are our own
(splitmix64), so the bytes do not depend on NumPy's generators. README.md documents the files.
"""

import hashlib
import itertools
import json
import pathlib
import struct
import sys

import numpy as np

import contract
from contract import BF16, F8, F32, NAN

HERE = pathlib.Path(__file__).resolve().parent


class Random:
    """splitmix64, vectorised."""

    def __init__(self, seed):
        self.state = np.uint64(seed)

    def bits(self, count):
        with np.errstate(over="ignore"):
            z = self.state + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            self.state = z[-1]
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            return z ^ (z >> np.uint64(31))

    def integers(self, low, high, *shape):
        """low <= value <= high."""
        count = int(np.prod(shape))
        return (low + (self.bits(count) % np.uint64(high - low + 1)).astype(np.int64)).reshape(shape)

    def floats(self, *shape):
        """Bell-shaped, about -6 ... 6, 24 significant bits: sums of exact doubles, no transcendental function."""
        count = int(np.prod(shape))
        uniform = (self.bits(12 * count) >> np.uint64(11)).astype(np.float64) / 2.0 ** 53
        return (uniform.reshape(12, count).sum(axis=0) - 6).astype(F32).reshape(shape)

    def ternary(self, N, K):
        return self.integers(-1, 1, N, K).astype(np.int8)


# ---- inputs ----------------------------------------------------------------------------------------------------------

ROW_KINDS = ("plain", "outlier", "zero", "ties", "denormal", "nan", "huge", "inf", "tiny", "all_max")


def adversarial_row(random, kind, K):
    row = random.floats(K)
    spot = int(random.integers(0, K - 1, 1)[0])
    if kind == "outlier":
        row[spot] = F32(2048)
    elif kind == "zero":
        row = np.where(np.arange(K) % 2 == 0, F32(0), F32(-0.0))
    elif kind == "ties":  # amax = 127, so inv = 1 and every half is a tie
        row = (random.integers(-126, 125, K).astype(F32) + F32(0.5)).astype(F32)
        row[spot] = F32(-127)
    elif kind == "denormal":
        row = (row * F32(2.0 ** -128)).astype(F32)
    elif kind == "nan":
        row[spot] = NAN
    elif kind == "inf":
        row[spot] = F32(-np.inf)
    elif kind == "huge":
        row = (row * F32(2.0 ** 120)).astype(F32)
        row[spot] = F32(3.4e38)
    elif kind == "tiny":  # below the floor of 1e-5
        row = (row * F32(1e-6)).astype(F32)
    elif kind == "all_max":
        row = np.full(K, F32(3.5))
    return row.astype(F32)


def cast(rows, dtype):
    """fp32 rows to a storage type; fp8 takes the nearest table entry."""
    with np.errstate(over="ignore"):
        if dtype == "F8_E4M3":
            table = contract.F8_VALUES
            finite = np.where(np.isfinite(table), table, np.inf)
            values = np.clip(np.nan_to_num(rows, nan=0.0), -448, 448)
            bits = np.abs(values[..., None].astype(np.float64) - finite).argmin(axis=-1).astype(np.uint8)
            bits = np.where(np.isfinite(rows), bits, np.where(np.signbit(rows), 0xFF, 0x7F)).astype(np.uint8)
            return bits.view(F8)
        return contract.from_f32(rows, dtype)


def make_x(random, M, K, dtype, first_kind):
    """x and x_scale (None unless the type has one)."""
    if dtype == "I8":
        x = random.integers(-128, 127, M, K).astype(np.int8)
        x[0, :] = np.where(np.arange(K) % 2 == 0, -128, 127)
        if M > 1:
            x[1, :] = -128
        return x, np.abs(random.floats(M)) * F32(0.01) + F32(1e-3)
    rows = np.stack([adversarial_row(random, ROW_KINDS[(first_kind + m) % len(ROW_KINDS)], K) for m in range(M)])
    x_scale = None
    if dtype == "F8_E4M3" and first_kind % 2 == 1:
        x_scale = np.abs(random.floats(M)) * F32(0.25) + F32(0.01)
    return cast(rows, dtype), x_scale


def make_alpha(random, kind, N, K, group):
    count = {"tensor": 1, "row": N, "column": K, "group": N * -(-K // group) if group else 0}[kind]
    alpha = (np.abs(random.floats(count)) * F32(0.05) + F32(1e-3)).astype(F32)
    return alpha.reshape(N, -1) if kind == "group" else alpha


# ---- the file --------------------------------------------------------------------------------------------------------

class Golden:
    """One safetensors file: tensors `case/name`, metadata `case` -> attributes, `cases` -> names in order."""

    def __init__(self, name):
        self.name, self.tensors, self.metadata = name, {}, {"cases": ""}

    def case(self, name, attributes, **tensors):
        assert name not in self.metadata, name
        self.metadata["cases"] = (self.metadata["cases"] + " " + name).strip()
        self.metadata[name] = " ".join(f"{key}={value}" for key, value in attributes.items())
        for key, value in tensors.items():
            if value is not None:
                self.tensors[f"{name}/{key}"] = value

    def encode(self):
        header, blobs, offset = {"__metadata__": self.metadata}, [], 0
        # Widest elements first keeps every tensor aligned to its element.
        for name, value in sorted(self.tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
            blob = np.ascontiguousarray(np.asarray(value)).astype(value.dtype.newbyteorder("<")).tobytes()
            header[name] = {"dtype": contract.dtype_name(value), "shape": list(value.shape),
                            "data_offsets": [offset, offset + len(blob)]}
            blobs.append(blob)
            offset += len(blob)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return struct.pack("<Q", len(text)) + text + b"".join(blobs)


# ---- the families ----------------------------------------------------------------------------------------------------

KINDS = [("tensor", 0), ("row", 0), ("column", 0), ("group", 32), ("group", 64), ("group", 96), ("group", 2048),
         ("group", 4096)]
X_TYPES = ("F32", "F16", "BF16", "F8_E4M3", "I8")
Y_TYPES = ("F32", "F16", "BF16")


def linear_shape(group, index):
    if group in (2048, 4096):
        return 2, 3, (4133 if group == 2048 else 4166)
    if group and index % 3 == 0:
        return 1, 2, 2048 + 2 * group + 5  # two blocks, the second short
    return [(10, 7, 13), (5, 17, 100), (4, 16, 64), (3, 33, 130), (1, 1, 1), (2, 5, 257)][index % 6]


def linear_case(golden, random, name, activation, kind, group, x_dtype, y_dtype, with_bias, shape, first_kind):
    M, N, K = shape
    x, x_scale = make_x(random, M, K, x_dtype, first_kind)
    w = random.ternary(N, K)
    w[0, :] = 1
    alpha = make_alpha(random, kind, N, K, group)
    if kind == "column" and x_dtype == "F32" and M > 4 and K > 1:
        alpha[K // 2] = F32(4)  # a finite x of a "huge" row overflows in step 1
    bias = random.floats(N) if with_bias else None
    rows = (x, x_scale) if x_dtype == "I8" else contract.load_rows(x, x_scale)
    y = contract.product(activation, rows, w, kind, alpha, group, bias, y_dtype)
    golden.case(name, {"activation": activation, "alpha": f"group:{group}" if group else kind, "K": K}, x=x,
                x_scale=x_scale, w=contract.pack_i2s(w), alpha=alpha, bias=bias, y=y)


def linear(activation, x_types, seed):
    golden, random = Golden(f"linear_{activation}"), Random(seed)
    plan = [(kind, group, x, Y_TYPES[i % 3], i // 3 % 2 == 0)
            for i, ((kind, group), x) in enumerate(itertools.product(KINDS, x_types)) if (kind, x) != ("column", "I8")]
    # Every output type with and without bias, whatever the rotation above gave.
    plan += [(kind, group, "F32", y, bias) for (kind, group), y, bias in
             itertools.product([("tensor", 0), ("row", 0), ("column", 0), ("group", 64)], Y_TYPES, (False, True))]
    for i, (kind, group, x, y, bias) in enumerate(plan):
        linear_case(golden, random, f"{i:02d}_{kind}{group or ''}_{x}_{y}{'_bias' if bias else ''}".lower(), activation,
                    kind, group, x, y, bias, linear_shape(group, i), i)
    return golden


def long_norms(golden, random):
    """Rows long enough that the order of the 256 partial sums shows: A16 outputs that are the normalised values."""
    for i, K in enumerate((700, 1024, 1500, 2049)):
        x = random.floats(4, K)  # fp32: the squares of a narrower type would add up exactly
        w = np.zeros((4, K), np.int8)
        w[np.arange(4), [0, 1, K // 2, K - 1]] = 1
        norm_weight, eps, alpha = np.ones(K, F32), np.array([1e-5], F32), np.ones(1, F32)
        normalised, _ = contract.rms_norm(contract.load_rows(x), None, norm_weight, eps[0])
        golden.case(f"long_{K}", {"activation": "a16", "alpha": "tensor", "K": K}, x=x, norm_weight=norm_weight, eps=eps,
                    w=contract.pack_i2s(w), alpha=alpha,
                    y=contract.product("a16", normalised, w, "tensor", alpha, 0, None, "F32"))


def rmsnorm_linear():
    golden, random = Golden("rmsnorm_linear"), Random(3)
    shapes = [(3, 5, 100), (2, 7, 256), (2, 3, 600), (10, 5, 257), (1, 1, 1), (2, 17, 511)]
    plan = itertools.product(("a8", "a16"), (None, "F32", "F16", "BF16"), ("F32", "F16", "BF16", "F8_E4M3"))
    for i, (activation, residual_dtype, x_dtype) in enumerate(plan):
        kind, group = KINDS[i % 6]
        M, N, K = shapes[i % 6]
        x, x_scale = make_x(random, M, K, x_dtype, i)
        residual = cast(random.floats(M, K), residual_dtype) if residual_dtype else None
        w, alpha = random.ternary(N, K), make_alpha(random, kind, N, K, group)
        norm_weight = (random.floats(K) * F32(0.25) + F32(1)).astype(F32)
        eps = np.array([[1e-5, 1e-6, 0.5][i % 3]], F32)
        bias = random.floats(N) if i % 2 else None
        normalised, residual_out = contract.rms_norm(contract.load_rows(x, x_scale), residual, norm_weight, eps[0])
        y = contract.product(activation, normalised, w, kind, alpha, group, bias, Y_TYPES[i // 2 % 3])
        golden.case(f"{i:02d}_{activation}_{x_dtype}_residual_{residual_dtype}".lower(),
                    {"activation": activation, "alpha": f"group:{group}" if group else kind, "K": K}, x=x,
                    x_scale=x_scale, residual=residual, norm_weight=norm_weight, eps=eps, w=contract.pack_i2s(w),
                    alpha=alpha, bias=bias, residual_out=residual_out, y=y)
    long_norms(golden, random)
    return golden


def quantise():
    golden, random = Golden("quantise"), Random(4)
    plan = itertools.product(("F32", "F16", "BF16", "F8_E4M3"), (False, True), ((10, 65), (10, 130), (3, 1)))
    for i, (x_dtype, column, (M, K)) in enumerate(plan):
        x, x_scale = make_x(random, M, K, x_dtype, i % 2)
        alpha = make_alpha(random, "column", 1, K, 0) if column else None
        q, s = contract.quantise(contract.times_alpha(contract.load_rows(x, x_scale), alpha))
        golden.case(f"{i:02d}_{x_dtype}_{K}{'_column' if column else ''}".lower(), {}, x=x, x_scale=x_scale,
                    alpha_column=alpha, q=q, s=s)
    return golden


def ternarise():
    golden, random = Golden("ternarise"), Random(5)
    kinds = [("tensor", 0), ("row", 0), ("column", 0), ("group", 32), ("group", 96)]
    plan = itertools.product(("absmean", "threshold"), kinds, ("F32", "F16", "BF16"))
    for i, (method, (kind, group), dtype) in enumerate(plan):
        N, K = [(6, 101), (3, 130), (5, 64), (1, 1), (4, 97)][i % 5]
        w = random.floats(N, K) * F32([1, 0.02, 3e-6, 2.0 ** -130][i % 4])
        if i % 3 == 0:  # magnitudes 1 and 3: mean 2 for pairs, so 1 / 2 is a tie
            w = np.where(np.arange(N * K).reshape(N, K) % 2 == 0, F32(1), F32(-3)).astype(F32)
        w[0, K // 2:] = 0
        w = cast(w, dtype)
        codes, alpha = contract.ternarise(w, method, kind, group)
        golden.case(f"{i:02d}_{method}_{kind}{group or ''}_{dtype}".lower(),
                    {"method": method, "alpha": f"group:{group}" if group else kind}, w=w, i2s=contract.pack_i2s(codes),
                    alpha=alpha)
    return golden


def pack():
    golden, random = Golden("pack"), Random(6)
    shapes = [(1, 1), (2, 3), (3, 4), (4, 5), (5, 16), (15, 17), (16, 16), (17, 33), (7, 63), (33, 31), (6, 64), (16, 20), (17, 59)]
    for i, (N, K) in enumerate(shapes):
        w = random.ternary(N, K)
        golden.case(f"{i:02d}_{N}x{K}", {"N": N, "K": K}, w=w, i2s=contract.pack_i2s(w), tiled=contract.pack_tiled(w),
                    t5=contract.pack_t5(w), t3=contract.pack_t3(w), bitnet=contract.pack_bitnet(w, padding_code=0), bitnet_bad_padding=contract.pack_bitnet(w, 3))
    return golden


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def weight_file(layout, codes, N, K, alpha):
    """The project's weight file (../README.md) with an alpha per row."""
    payload = alpha.astype("<f4").tobytes() + codes.tobytes()
    header = b"TERNARYW" + struct.pack("<IIqqIIqqI", 1, 64, N, K, layout, 1, 0, len(alpha), crc32c(payload))
    return header + struct.pack("<I", crc32c(header)) + payload


def weight_files():
    """One matrix in each layout that a file may carry; the formula of its weights is known to the readers' tests."""
    N, K = 19, 53
    w = (np.arange(N * K) * 7 % 11 % 3 - 1).astype(np.int8).reshape(N, K)
    alpha = (np.arange(N) / 8 + 0.25).astype(np.float32)
    return [("weights_i2s.tern", weight_file(0, contract.pack_i2s(w), N, K, alpha)),
            ("weights_t5.tern", weight_file(2, contract.pack_t5(w), N, K, alpha))]


def check_fma():
    """fma() against rational arithmetic, near ties, cancellation and denormals included."""
    random = Random(7)
    a, b, c = (random.floats(4000) for _ in range(3))
    scale = F32(2) ** random.integers(-70, 60, 3, 4000).astype(F32)
    c[:1000] = -(a[:1000] * b[:1000])  # cancels to the product's rounding error
    c[1000:2000] = (a * b * F32(2.0 ** 24))[1000:2000]  # the product decides ties
    a[2000:], b[2000:], c[3000:] = (a * scale[0])[2000:], (b * scale[1])[2000:], (c * scale[2])[3000:]
    fast = contract.fma(a, b, c)
    exact = np.array([contract.fma_exact(*v) for v in zip(a, b, c)], F32)
    assert (fast.view(np.uint32) == exact.view(np.uint32)).all()


def main():
    check_fma()
    families = [linear("a8", X_TYPES, 1), linear("a16", X_TYPES[:3], 2), rmsnorm_linear(), quantise(), ternarise(),
                pack()]
    files = [(f"{golden.name}.safetensors", golden.encode()) for golden in families] + weight_files()
    sums = ""
    for name, data in files:
        sums += f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        if "--check" not in sys.argv:
            (HERE / name).write_bytes(data)
    if "--check" in sys.argv:
        if sums != (HERE / "SHA256SUMS").read_text():
            sys.exit("golden vectors differ from SHA256SUMS")
    else:
        (HERE / "SHA256SUMS").write_text(sums)


if __name__ == "__main__":
    main()
