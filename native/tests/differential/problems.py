"""Random problems whose values break kernels: each is made of one seed."""

import numpy as np

import numerics
from library import Strided

F32 = np.float32
ROWS = ("plain", "outlier", "zeros", "ties", "denormal", "huge", "tiny", "equal", "wide", "nan", "inf", "bits")
GROUPS = (32, 64, 96, 128, 160, 2048, 4096)
BLOCKS = (32, 64, 96, 128, 160, 256, 320, 512, 2048, 4096)
ROTATED_COLUMNS = (32, 64, 96, 128, 192, 256, 320, 512, 1024, 4096)


class Source:
    def __init__(self, seed):
        self.random = np.random.Generator(np.random.PCG64(seed))

    def one_of(self, *values):
        return values[int(self.random.integers(len(values)))]

    def below(self, bound):
        return int(self.random.integers(bound))

    def chance(self, probability):
        return self.random.random() < probability

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype(F32)

    def ternary(self, N, K):
        w = self.random.integers(-1, 2, (N, K), dtype=np.int8)
        if self.chance(0.2):
            w[self.below(N)] = self.one_of(-1, 0, 1)
        return w

    def shape(self):
        M = self.one_of(1, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 33, 65)
        N = self.one_of(1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 64, 70)
        K = self.one_of(1, 2, 3, 4, 5, 15, 16, 17, 19, 20, 21, 31, 32, 33, 63, 64, 65, 100, 127, 128, 130, 255, 256,
                        257, 300, 511, 513, 600)
        if self.chance(0.07):  # more than one super-block
            M, N, K = self.one_of(1, 2, 5), self.one_of(1, 3, 17), 2048 + self.below(2300)
        return M, N, K

    def row(self, K):
        kind = self.one_of(*ROWS)
        row, spot = self.normal(K), self.below(K)
        if kind == "outlier":
            row[spot] = F32(3000)
        elif kind == "zeros":
            row = np.where(self.random.random(K) < 0.5, F32(0), F32(-0.0))
        elif kind == "ties":  # the largest is 127, so every half is a tie
            row = (self.random.integers(-127, 127, K) + 0.5).astype(F32)
            row[spot] = self.one_of(F32(127), F32(-127))
        elif kind == "denormal":
            row = row * F32(2.0 ** -130)
        elif kind == "huge":
            row = row * F32(2.0 ** 125)
        elif kind == "tiny":
            row = row * F32(3e-6)
        elif kind == "equal":
            row = np.full(K, row[0])
        elif kind == "wide":
            row = row * np.ldexp(F32(1), self.random.integers(-120, 100, K)).astype(F32)
        elif kind in ("nan", "inf"):
            row[spot] = F32(np.nan) if kind == "nan" else self.one_of(F32(np.inf), F32(-np.inf))
        elif kind == "bits":  # anything at all, NaN and infinity but rarely
            row = self.random.integers(0, 1 << 32, K, dtype=np.uint32).view(F32)
        return row.astype(F32)

    def alpha(self, kind, N, K, group):
        count = {"tensor": 1, "row": N, "column": K, "group": N * -(-K // group) if group else 0}[kind]
        alpha = self.normal(count) * F32(0.05)
        if self.chance(0.15):
            alpha[self.below(count)] = self.one_of(F32(0), F32(-0.0), F32(1e-42), F32(3e38), F32(-2.5), F32(2.0 ** 100))
        return alpha

    def kind(self):
        kind = self.one_of("tensor", "row", "column", "group")
        return kind, self.one_of(*GROUPS) if kind == "group" else 0

    def block(self, group):
        """One that is a multiple of the group, or of which the group is one."""
        return self.one_of(*(b for b in BLOCKS if group == 0 or b % group == 0 or group % b == 0))

    def rotation(self, K):
        """Columns, and signs or None."""
        columns = self.one_of(*(1 << i for i in range(5, 13) if K % (1 << i) == 0))
        signs = np.where(self.random.random(K) < 0.5, F32(1), F32(-1)) if self.chance(0.6) else None
        return columns, signs

    def stride(self, columns):
        return columns + self.one_of(0, 0, 1, 3, 16)

    def x(self, M, K, dtype, block=0):
        if dtype == "i8":
            values = self.random.integers(-128, 128, (M, K), dtype=np.int8)
            if self.chance(0.2):
                values[self.below(M)] = self.one_of(-128, 127)
            scales = -(-K // block) if block else 1
            scale = np.abs(self.normal(M * scales)) * F32(0.01)
            if self.chance(0.2):
                scale[self.below(scale.size)] = self.one_of(F32(0), F32(1e-44), F32(3e38), F32(-1))
        elif dtype == "f8":
            values = self.random.integers(0, 256, (M, K), dtype=np.uint8)
            if self.chance(0.8):  # else nearly every row has a NaN
                values = np.where(values & 0x7F == 0x7F, values & 0x80, values)
            scale = np.abs(self.normal(M)) * F32(0.25) if self.chance(0.5) else None
        else:
            values, scale = numerics.store(np.stack([self.row(K) for _ in range(M)]), dtype), None
        return Strided(dtype, M, K, self.stride(K), values, scale)


class Product:
    """A linear or rmsnorm_linear problem."""

    def __init__(self, seed):
        source = Source(seed)
        self.seed, self.normed = seed, source.chance(0.35)
        self.activation = source.one_of("a8", "a8", "a8", "a16")
        M, N, K = source.shape()
        self.kind, self.group = source.kind()
        self.block = source.block(self.group) if self.activation == "a8" and source.chance(0.5) else 0
        self.rotation, self.signs = 0, None
        if source.chance(0.3):
            K = source.one_of(*ROTATED_COLUMNS)
            self.rotation, self.signs = source.rotation(K)
        types = ["f32", "f16", "bf16", "f8"]
        if self.activation == "a8" and not self.normed and self.kind != "column" and not self.rotation:
            types.append("i8")
        self.w, self.alpha = source.ternary(N, K), source.alpha(self.kind, N, K, self.group)
        self.x = source.x(M, K, source.one_of(*types), self.block)
        self.bias = source.normal(N) if source.chance(0.5) else None
        self.y_dtype = source.one_of("f32", "f32", "f16", "bf16")
        self.ldy = source.stride(N)
        self.layout = source.one_of("i2s", "i2s_tiled", "i2s_tiled", "t5_tiled", "t5_tiled", "t3_tiled", "t3_tiled")
        self.residual, self.in_place = None, source.chance(0.3)
        if self.normed:
            self.norm = source.normal(K) * F32(0.25) + F32(1)
            self.eps = source.one_of(1e-5, 1e-6, 0.5, 1e-30)
            if source.chance(0.6):
                dtype = source.one_of("f32", "f16", "bf16")
                values = numerics.store(np.stack([source.row(K) if source.chance(0.2) else source.normal(K)
                                                  for _ in range(M)]), dtype)
                self.residual = Strided(dtype, M, K, source.stride(K), values)

    def __str__(self):
        M, (N, K) = self.x.rows, self.w.shape
        op = "rmsnorm_linear" if self.normed else "linear"
        residual = f" residual {self.residual.dtype}" if self.residual else ""
        rotation = f" rotation {self.rotation}{'' if self.signs is None else ' with signs'}" if self.rotation else ""
        return (f"{op} seed {self.seed}: {self.activation}{f':{self.block}' if self.block else ''}{rotation} M {M} N {N} K {K} x {self.x.dtype} "
                f"alpha {self.kind} {self.group or ''} {self.layout} y {self.y_dtype}"
                f"{'' if self.bias is None else ' bias'}{residual}")
