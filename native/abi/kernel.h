/**
 * @file kernel.h
 * @brief What a kernel is: its arguments, its row in a backend's table, and the table.
 *
 * A kernel sees pointers and sizes. It allocates nothing, reads no configuration, calls no Java and throws nothing.
 * core/product has checked the arguments, core/runtime has split the work and provided the scratch. abi/ is all that
 * core/ and a backend share, and it uses no C++ library, so backends need no libstdc++.
 */
#ifndef TERNARY_ABI_KERNEL_H_
#define TERNARY_ABI_KERNEL_H_

#include <cstddef>
#include <cstdint>

#include "abi/isa.h"
#include "abi/layout.h"
#include "abi/reason.h"
#include "ternary/ternary.h"

namespace ternary {

/** The stages that kernels implement. `activations` makes rows ready: load, residual, norm, quantise. */
enum class Stage : uint8_t { activations, gemm_a8, gemm_a16, rotate, head_norm, gate, combine, router, route };
inline constexpr const char* kStageNames[] = {"activations", "gemm_a8", "gemm_a16", "rotate", "head_norm",
                                              "gate",        "combine", "router",   "route"};
inline constexpr int kStageCount = sizeof kStageNames / sizeof kStageNames[0];

/** When dispatch prefers a kernel; any that accepts a problem may still serve it. core/policy/tuning.h has the thresholds. */
enum class Role : uint8_t {
  any,   ///< whatever M
  gemv,  ///< few rows of X: reads packed weights in place for each
  gemm,  ///< many rows of X: decodes weights once for several
  tiles  ///< enough rows of X to fill AMX's tile registers
};
inline constexpr const char* kRoleNames[] = {"any", "gemv", "gemm", "tiles"};

/** Scratch, q and f rows start at multiples of this many bytes. */
inline constexpr int64_t kScratchAlignment = 64;
/**
 * Rows of X made ready for a product. In order, for each row m (numerics.md sections 2, 4 and 5, fp32 throughout):
 *   x      converted to fp32 exactly, times x_scale[m] for fp8 with a scale, times row_weights[m] (only if those are set)
 *   v      = x + residual, rounded once to residual_dtype and written to residual_out (only if residual is set)
 *   n      = (v * r) * norm_weight, r = 1 / sqrt(sum(v*v) / K + eps) (only if norm_weight is set)
 *   h      = n rotated: n * signs, butterflies over each run of `rotation` columns, times 2^(-log2(rotation) / 2) (only if
 *            rotation is set)
 *   x'     = h * alpha_column (only if alpha_column is set)
 *   A8:    amax, s and q, of the row or of each block, and q_sums; a non-finite row gets s = NaN, q = 0, q_sums = 0
 *   A16:   f = x'; a non-finite row gets f = NaN in all K places
 * Int8 X is copied to q, x_scale to s.
 */
struct ActivationTask {
  const void* x;
  ternary_dtype x_dtype;
  int64_t ldx;
  const float* x_scale;
  const float* row_weights;  ///< [M] or null: of experts whose weight is on the input
  const void* residual;
  void* residual_out;
  ternary_dtype residual_dtype;
  int64_t ld_residual;
  const float* norm_weight;
  float eps;
  int64_t rotation;    ///< columns that are rotated together; 0: none are
  const float* signs;  ///< [K] or null
  const float* alpha_column;
  int64_t K;
  int64_t block;  ///< columns of a scale; 0: a scale a row
  // A8: set q, s and (unless null) q_sums; A16: set f. What is of the other is null.
  int8_t* q;
  int64_t ldq;
  float* s;         ///< [M], or [M, ceil(K / block)]
  int64_t unit;     ///< columns of q that are summed together, unit_columns() of the product; 0: all of K
  int32_t* q_sums;  ///< [M, sums_of_row(K, unit)]
  float* f;
  int64_t ldf;
  int64_t padded;  ///< K: nothing beyond column K is written (q may be a user's matrix with gaps between rows);
                   ///< padded_columns() of the weights' layout: columns K ... padded of q or f are set to 0
};

/** Rows of X rotated, and written in another type or in place. In order, for each row: x as for ActivationTask; forward as
 *  h there; inverse the butterflies, times the factor, times signs; one rounding to y_dtype. */
struct RotateTask {
  const void* x;
  ternary_dtype x_dtype;
  int64_t ldx;
  const float* x_scale;  ///< [M] or null
  int64_t rotation;
  const float* signs;  ///< [K] or null
  bool inverse;
  int64_t K;
  void* y;
  ternary_dtype y_dtype;
  int64_t ldy;
};

/** Heads of one matrix, each of them normalised in place as v of ActivationTask is, with one rounding to its type. */
struct HeadNormTask {
  void* data;  ///< [M, ld]
  ternary_dtype dtype;
  int64_t ld;
  int64_t heads, head_dim;
  const float* weight;  ///< [head_dim]
  float eps;
};

/**
 * Gates and ups of an expert to what its second product is of. In order, for each row m and each i of I, in fp32:
 *   g, u   of `in`, each rounded to round_gate_up; under TERNARY_SILU_CLAMP then g and u clamped by `limit`
 *   f      = function(g), rounded to round_activation
 *   h      = f * u, rounded to round_product
 * A rounding to F32 leaves the value.
 */
struct GateTask {
  const float* in;  ///< [M, 2 I]
  /** Of the same places, what ups are taken from: gate and up of two products with columns' alphas of their own. May be
   *  `in`. */
  const float* up_in;
  int64_t ld_in;  ///< of both
  ternary_gate_order order;
  ternary_gate_function function;
  float limit;                                                   ///< of TERNARY_SILU_CLAMP: > 0
  ternary_dtype round_gate_up, round_activation, round_product;  ///< F32, F16 or BF16
  int64_t I;
  float* h;  ///< [M, I]; apart from `in`
  int64_t ldh;
};

/** Most slots of a row: experts that a token chooses. */
inline constexpr int64_t kMaxSlots = 64;

/** What becomes of the weight of a slot. */
enum class WeightUse : uint8_t {
  in_sum,           ///< p = p + w * d
  before_rounding,  ///< d = w * d before d is rounded
  used_before       ///< d has it, or it does not matter
};

/**
 * What experts made of each row, added up. In order, for each row m, in fp32:
 *   d      of each slot whose id is not negative; with before_rounding w * d, rounded to `rounded_to`
 *   p      = +0, then for slots ascending p + w * d (in_sum), else p + d
 *   y      = p * scaling, rounded once to y_dtype
 *   residual_out = residual + y as rounded, rounded to its type (only if residual is set)
 * Where `spread` is set, d of each slot is y of [M, T, H], +0 where its id is negative.
 */
struct CombineTask {
  const void* d;
  ternary_dtype d_dtype;     ///< F32 with before_rounding
  ternary_dtype rounded_to;  ///< d_dtype unless with before_rounding
  int64_t ldd;
  const int32_t*
      places;          ///< [M, T]: d of a slot is row places[m, t] of [., ldd]; null: d is [M, ldd], T times H columns
  const int32_t* ids;  ///< [M, T]
  int64_t ld_ids;
  WeightUse use;
  const void* weights;  ///< [M, T] of F32 or BF16; not read with used_before
  ternary_dtype weights_dtype;
  int64_t ld_weights;
  int64_t T, H;
  bool spread;
  float scaling;
  const void* residual;
  void* residual_out;  ///< may be `residual`
  ternary_dtype residual_dtype;
  int64_t ld_residual;
  void* y;
  ternary_dtype y_dtype;
  int64_t ldy;
};

/** Logits of a router (numerics.md section 11.1): sums in 32 partials and a halving tree, the bias added, one rounding. */
struct RouterTask {
  const void* x;  ///< [M, ldx] of F32, F16 or BF16
  ternary_dtype x_dtype;
  int64_t ldx;
  const void* w;  ///< [E, ldw] of F32, F16 or BF16
  ternary_dtype w_dtype;
  int64_t ldw;
  const float* bias;  ///< [E] or null
  ternary_dtype round;
  int64_t M, H;
  float* logits;  ///< [M, ld_logits]
  int64_t ld_logits;
};

/** Experts of each row and their weights, by numerics.md sections 11.2 to 11.10; fields are ternary_route_operands'. */
struct RouteTask {
  const void* logits;
  ternary_dtype logits_dtype;
  int64_t ld_logits;
  int64_t E, k;
  ternary_route_method method;
  const float* correction_bias;
  int64_t groups, topk_groups;
  ternary_group_score group_score;
  bool renormalise;
  float renormalise_eps, scaling;
  int32_t* ids;
  int64_t ld_ids;
  void* weights;
  ternary_dtype weights_dtype;
  int64_t ld_weights;
};

/** Columns that the scratch of a RouteFn is of. */
inline constexpr int64_t route_columns(int64_t E) { return 3 * round_up(E, 32); }

/** Makes rows m_begin ... m_end ready. `scratch`: round_up(K, kRowPadding) + 256 floats of this thread's own. */
using ActivationFn = void (*)(const ActivationTask& task, int64_t m_begin, int64_t m_end, float* scratch);
/** The same for the others that go row by row: K, H, head_dim or route_columns() is what the scratch is of. Gates and sums of
 *  slots need none. Rows of a RouterFn are experts: it makes their logits of all M rows of X. */
using RotateFn = void (*)(const RotateTask& task, int64_t m_begin, int64_t m_end, float* scratch);
using HeadNormFn = void (*)(const HeadNormTask& task, int64_t m_begin, int64_t m_end, float* scratch);
using GateFn = void (*)(const GateTask& task, int64_t m_begin, int64_t m_end, float* scratch);
using CombineFn = void (*)(const CombineTask& task, int64_t m_begin, int64_t m_end, float* scratch);
using RouterFn = void (*)(const RouterTask& task, int64_t e_begin, int64_t e_end, float* scratch);
using RouteFn = void (*)(const RouteTask& task, int64_t m_begin, int64_t m_end, float* scratch);

/**
 * A product of prepared rows with packed weights, and its epilogue (numerics.md sections 3 and 5).
 *   group == 0: c = s[m] * alpha[n]; y = float(acc) * c, with bias fma(float(acc), c, bias[n])   (A8)
 *               y = acc * alpha[n],  with bias fma(acc, alpha[n], bias[n])                       (A16)
 *   group  > 0: super-blocks of max(1, 2048 / group) groups, p_b = fma(float(acc_g), alpha[n, g], p_b), their sums
 *               ascending; y = p * s[m] (A8) or p (A16), with bias fma(p, s[m], bias[n]) or p + bias[n].
 *   block  > 0 (A8 alone): units of min(block, group) columns, or of block columns without groups; super-blocks of
 *               max(1, 2048 / unit) units, p_i = fma(float(acc_u), c, p_i) with c = s[m, b] * alpha[n, g], or s[m, b]
 *               without groups; P = p_0, P = P + p_1, ...; with groups y = P or P + bias[n], without y = P * alpha[n] or
 *               fma(P, alpha[n], bias[n]).
 * then one rounding to y_dtype. A8 sums are exact in int32 modulo 2^32; A16 sums run over k ascending, one fp32
 * accumulator an output (a product with -1, 0, +1 is exact, so fma and multiply-add agree and every ISA gives the same
 * bits), starting anew in every group.
 */
struct GemmTask {
  const int8_t* q;  ///< A8: [M, ldq], zeros up to padded_columns()
  int64_t ldq;
  const int32_t* q_sums;  ///< A8: [M, units], for kernels that multiply by codes: sum(q*w) = sum(q*code) - its q_sum
  const float* s;         ///< A8: [M], or [M, ceil(K / block)]
  int64_t block;          ///< A8: columns of a scale; 0: a scale a row
  const float* f;         ///< A16: [M, ldf], zeros up to padded_columns()
  int64_t ldf;
  const uint8_t* w;    ///< codes in the layout of the kernel's row
  const float* alpha;  ///< [N], or when group > 0 in panels: [ceil(N/16)][ceil(K/group)][16], see group_alpha()
  int64_t group;
  const float* bias;  ///< [N] or null
  void* y;            ///< [M, ldy]
  ternary_dtype y_dtype;
  int64_t ldy;
  int64_t M, N, K;
  void* tables;  ///< of rows of X, table_bytes each, for kernels that look up what they would multiply; else null
  int64_t table_bytes;     ///< what the row's TableBytesFn says
  int64_t prefetch_bytes;  ///< how far ahead of its loads a GEMV kernel prefetches weights; speed, never bits
};

/** Columns of a GemmTask that are summed before they are scaled; 0: all of K. */
inline constexpr int64_t unit_columns(int64_t group, int64_t block) {
  return group == 0 || (block > 0 && block < group) ? block : group;
}

/** Scales of a row of X: one, or one a block. */
inline constexpr int64_t scales_of_row(int64_t K, int64_t block) { return block == 0 ? 1 : ceil_div(K, block); }

/** Sums of q of a row of X, or of its products: one, or one a unit. */
inline constexpr int64_t sums_of_row(int64_t K, int64_t unit) { return unit == 0 ? 1 : ceil_div(K, unit); }

/** Place of the alpha of row n and group g of `groups`: those of 16 rows lie together, one load for a kernel. */
inline constexpr int64_t group_alpha(int64_t n, int64_t g, int64_t groups) {
  return (n / kTile * groups + g) * kTile + n % kTile;
}

/**
 * Computes Y for rows m_begin ... m_end and columns n_begin ... n_end; n_begin is a multiple of the row's n_multiple,
 * n_end one too or N; the same for m. `scratch` is this thread's own, scratch_bytes() of the row long.
 */
using GemmFn = void (*)(const GemmTask& task, int64_t m_begin, int64_t m_end, int64_t n_begin, int64_t n_end,
                        void* scratch);

/** Bytes of scratch a thread needs for a GemmFn; null means none. */
using ScratchBytesFn = int64_t (*)();

/** Bytes that a kernel makes of each row of X before it is called, a multiple of 64; 0 for most kernels. */
using TableBytesFn = int64_t (*)(int64_t K, int64_t unit);

/** Makes the tables of rows m_begin ... m_end of q, if task.table_bytes > 0: once a call, not once a piece of N. */
using MakeTablesFn = void (*)(const GemmTask& task, int64_t m_begin, int64_t m_end);

/** What a kernel of a stage that goes row by row is called with: of each such stage its own type. */
union RowsFn {
  ActivationFn activations;  ///< Stage::activations
  RotateFn rotate;           ///< Stage::rotate
  HeadNormFn head_norm;      ///< Stage::head_norm
  GateFn gate;               ///< Stage::gate
  CombineFn combine;         ///< Stage::combine
  RouterFn router;           ///< Stage::router
  RouteFn route;             ///< Stage::route

  constexpr RowsFn() : activations(nullptr) {}
  constexpr explicit RowsFn(ActivationFn function) : activations(function) {}
  constexpr explicit RowsFn(RotateFn function) : rotate(function) {}
  constexpr explicit RowsFn(HeadNormFn function) : head_norm(function) {}
  constexpr explicit RowsFn(GateFn function) : gate(function) {}
  constexpr explicit RowsFn(CombineFn function) : combine(function) {}
  constexpr explicit RowsFn(RouterFn function) : router(function) {}
  constexpr explicit RowsFn(RouteFn function) : route(function) {}
};

/** That type, by the stage; nothing for a stage that makes tiles of Y. */
template <Stage stage>
struct RowsTaskOf;
template <>
struct RowsTaskOf<Stage::activations> {
  using Task = ActivationTask;
};
template <>
struct RowsTaskOf<Stage::rotate> {
  using Task = RotateTask;
};
template <>
struct RowsTaskOf<Stage::head_norm> {
  using Task = HeadNormTask;
};
template <>
struct RowsTaskOf<Stage::gate> {
  using Task = GateTask;
};
template <>
struct RowsTaskOf<Stage::combine> {
  using Task = CombineTask;
};
template <>
struct RowsTaskOf<Stage::router> {
  using Task = RouterTask;
};
template <>
struct RowsTaskOf<Stage::route> {
  using Task = RouteTask;
};
template <Stage stage>
using RowsFunction = void(const typename RowsTaskOf<stage>::Task& task, int64_t m_begin, int64_t m_end, float* scratch);

/** One row of a backend's table. */
struct Kernel {
  const char* name;  ///< path name without op and backend, e.g. "gemm_a8_i2s"; unique together with `isa`
  const char* file;  ///< file = function, e.g. "gemm_a8_i2s_6x16__avx2"
  Stage stage;
  Isa isa;
  ternary_layout layout;           ///< of the weights; ignored where `gemm` is null
  Role role;                       ///< where it is meant to be used: order, not a constraint
  int64_t group_multiple;          ///< accepts groups and blocks that are multiples of this (32: all)
  int64_t k_max;                   ///< largest K it accepts
  int64_t m_multiple, n_multiple;  ///< how work may be split
  RowsFn rows;                     ///< for stages without Y
  GemmFn gemm;                     ///< for Stage::gemm_a8 and gemm_a16; null for others
  ScratchBytesFn scratch_bytes;
  TableBytesFn table_bytes;
  MakeTablesFn make_tables;
};

/** What a LimitFn is given: ones, `kLimitAlignment` aligned. */
inline constexpr int64_t kLimitAlignment = 4096;
/** Bytes of operands that TERNARY_LIMIT_TILE_LOADS reads, the size of a first-level cache's better half. */
inline constexpr int64_t kLimitOperandBytes = 16 << 10;

/**
 * A loop that one resource of the machine alone holds up, for TERNARY_LIMIT_...
 *   READ        reads `count` bytes at `data`, a multiple of kLimitAlignment, 64-bit words of value 1
 *   INT8_PEAK   makes `count` steps (at most 2^20) of int8 multiply-adds on registers; `data` is not used
 *   TILE_LOADS  the same with operands loaded from `data`, kLimitOperandBytes bytes of value 1
 * Returns the bytes read or multiply-adds made, counted from the sums that it computed: so no compiler can have left
 * work out, and a test can see it.
 */
using LimitFn = int64_t (*)(const uint8_t* data, int64_t count);

/** One row of a backend's table of loops that measure limits. */
struct LimitLoop {
  const char* file;  ///< file = function, e.g. "read_8x32__avx2"
  Isa isa;
  ternary_limit kind;
  int64_t step;  ///< multiply-adds of a step; 1 for bytes
  LimitFn run;
};

/** What a backend library exports. `kernels` is ordered best first; dispatch tries rows whose role suits M before
 *  others. */
struct Backend {
  const char* name;  ///< "cpu"
  const Kernel* kernels;
  int32_t kernel_count;
  /** What products are measured against, in no order: the fastest of a kind is the machine's limit. */
  const LimitLoop* limit_loops;
  int32_t limit_loop_count;
  /** Null if this machine and its OS offer the ISA, else why not, as a phrase. Asks the OS for
   *  AMX when first needed. */
  const char* (*isa_missing)(Isa isa);
  /** The processor's name, e.g. "AMD EPYC". */
  const char* (*device_name)();
  /** What tells it from others of that name, e.g. "AuthenticAMD family 25 model 17 stepping 1". */
  const char* (*device_id)();
};

/** Bumped when anything in this header, or one that it includes, changes; a backend of another version is refused. */
inline constexpr int32_t kBackendAbi = 13;

/** The one symbol a backend library exports; null if `abi` is not its own. */
extern "C" TERNARY_API const Backend* ternary_backend(int32_t abi);
using BackendFn = const Backend* (*)(int32_t abi);

}  // namespace ternary

#endif  // TERNARY_ABI_KERNEL_H_
