/**
 * @file ternary.h
 * @brief Matrix products with ternary weights (-1, 0, +1): the public C interface.
 *
 * Words. `Y[M,N] = X[M,K] * W[N,K]^T`: M rows of activations (tokens), N output features, K input features.
 * A ternary code is `w + 1` (0, 1, 2); code 3 is invalid. I2S is the interchange layout: row-major
 * `[N, ceil(K/4)]` bytes, the weight `k` of a byte at bits `2 * (k mod 4)`, unused codes of the last byte are 1 or 0
 * (ignored on input, 1 on output). Alpha is the scale of the weights.
 *
 * Numbers. With int8 activations (`TERNARY_A8`) every kernel on every machine gives the same bits: the
 * contract is native/doc/numerics.md. With `TERNARY_A16` activations are used as they are
 * and sums are fp32; on one machine and device the bits do not depend on M, the position in the batch or the thread
 * count.
 *
 * Devices. A runtime belongs to the CPU or to one GPU (TERNARY_DEVICE). Functions take pointers to host memory and have
 * finished when they return, on a GPU too, where they copy to and fro; those that end in `_async` take device pointers and
 * a stream, and copy nothing.
 *
 * Errors. A function that can fail returns a ternary_status; ternary_last_error() then holds one sentence with what
 * was wrong, the value and the rule. On an error no output has been written, except by an `_async` call whose kernels
 * had been started when the device failed. Nothing prints to stdout.
 *
 * Threads. Every function may be called from any thread. Handles are immutable after creation and may be shared;
 * destroying one while another thread uses it is the caller's mistake. Scratch memory belongs to the call. exit() may run
 * while other threads call: it waits for no more than the piece of a product that a worker is in.
 *
 * Units. Strides (`ld...`) count elements, not bytes. Pointers must be aligned to their element type. Inputs and
 * outputs must not overlap except where said.
 */
#ifndef TERNARY_TERNARY_H_
#define TERNARY_TERNARY_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TERNARY_API __attribute__((visibility("default")))
#else
#define TERNARY_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Outcome of a call. */
typedef enum ternary_status {
  TERNARY_OK = 0,               /**< done */
  TERNARY_INVALID_ARGUMENT = 1, /**< an argument breaks a rule; nothing was written */
  TERNARY_UNSUPPORTED = 2,      /**< no kernel serves the problem, or TERNARY_I2S_ONLY forbids the fallback */
  TERNARY_OUT_OF_MEMORY = 3,    /**< memory or a thread could not be had */
  TERNARY_ILLEGAL_STATE = 4,    /**< the handle cannot be used now, e.g. in the child of a fork */
  TERNARY_DEVICE_ERROR = 5      /**< a device reported a fault */
} ternary_status;

/** Element types. */
typedef enum ternary_dtype {
  TERNARY_F32 = 0,
  TERNARY_F16 = 1,
  TERNARY_BF16 = 2,
  TERNARY_F8_E4M3 = 3, /**< OCP e4m3fn: 0x7f and 0xff are NaN, no infinities */
  TERNARY_I8 = 4
} ternary_dtype;

/** Arrangement of the codes of a weight matrix. */
typedef enum ternary_layout {
  /** Interchange: row-major [N, ceil(K/4)], 2.00 bits a weight. */
  TERNARY_LAYOUT_I2S = 0,
  /**
   * CPU tiles of 16 rows by 16 columns, 64 bytes each, the tiles of 16 rows in ascending K one after the other:
   * byte `4 * (n mod 16) + (k mod 4)` holds column `k mod 16` at bits `2 * ((k mod 16) / 4)`. Rows and columns beyond
   * N and K hold code 1 (weight 0). 2.00 bits a weight when N and K are multiples of 16.
   */
  TERNARY_LAYOUT_I2S_TILED = 1,
  /**
   * T5, five weights a byte in base 3: tiles of 16 rows by 20 columns, 64 bytes each, the tiles of 16 rows in ascending K
   * one after the other. Byte `4 * (n mod 16) + j` (j = 0 ... 3) of a tile holds the codes c0 ... c4 of its columns j,
   * 4 + j, 8 + j, 12 + j and 16 + j. With `v = 81 * c0 + 27 * c1 + 9 * c2 + 3 * c3 + c4` the byte is
   * `ceil(v * 256 / 243)`, v / 243 as a fixed-point fraction: with x = the byte, the next code is `3 * x >> 8` and the
   * next x `3 * x mod 256`, from c0 to c4. The 13 bytes that no v gives are invalid. Rows and columns beyond N and K
   * hold code 1. 1.60 bits a weight when N is a multiple of 16 and K of 20.
   */
  TERNARY_LAYOUT_T5_TILED = 2,
  /**
   * T3, three weights in five bits: tiles of 16 rows by 48 columns, 160 bytes each, the tiles of 16 rows in ascending K
   * one after the other. Columns 3t, 3t + 1 and 3t + 2 of a tile are triple t = 0 ... 15, which lies in lane l = t mod 2
   * of step s = t / 2. With `v = 9 * w0 + 3 * w1 + w2` of a triple's weights its index is |v|, 0 ... 13, and its sign is 1
   * if v < 0. Row n of the tile has the index in byte `32 * (s / 2) + 16 * l + n` at bits `4 * (s mod 2)`, and the sign
   * in byte `128 + 16 * l + n` at bit `7 - s`. The indices 14 and 15 and the index 0 with the sign 1 are invalid. Rows
   * and columns beyond N and K hold weight 0. 1.67 bits a weight when N is a multiple of 16 and K of 48.
   */
  TERNARY_LAYOUT_T3_TILED = 3
} ternary_layout;

/** What the weight scale alpha belongs to. */
typedef enum ternary_alpha_kind {
  TERNARY_ALPHA_TENSOR = 0, /**< 1 value */
  TERNARY_ALPHA_ROW = 1,    /**< N values, one an output feature */
  TERNARY_ALPHA_COLUMN = 2, /**< K values, one an input feature: multiplies X before it is quantised */
  TERNARY_ALPHA_GROUP = 3   /**< [N, ceil(K/group)] values, group a multiple of 32; the last group may be short */
} ternary_alpha_kind;

/** How a product uses its activations. */
typedef enum ternary_activation {
  TERNARY_A8 = 0, /**< quantised to int8 by absmax, per token or by block; exact integer sums */
  TERNARY_A16 = 1 /**< used as they are, fp32 sums */
} ternary_activation;

/** Where the rows of gate and up lie in a matrix of 2 I of them. */
typedef enum ternary_gate_order {
  TERNARY_GATE_UP = 0,    /**< rows 0 ... I - 1 are gate, the others up */
  TERNARY_UP_GATE = 1,    /**< rows 0 ... I - 1 are up, the others gate */
  TERNARY_INTERLEAVED = 2 /**< row 2 i is gate, row 2 i + 1 up */
} ternary_gate_order;

/** What becomes of a gate before it multiplies its up; numerics.md section 10 has the formulas. */
typedef enum ternary_gate_function {
  TERNARY_SILU = 0,       /**< gate / (1 + exp(-gate)) */
  TERNARY_SILU_CLAMP = 1, /**< the same of min(gate, limit), for an up within -limit ... limit */
  TERNARY_RELU2 = 2,      /**< max(gate, 0) squared */
  TERNARY_GELU = 3        /**< gelu, in its form of tanh */
} ternary_gate_function;

/** How ternary_ternarise() chooses codes and alpha. */
typedef enum ternary_ternarise_method {
  TERNARY_ABSMEAN = 0,  /**< BitNet b1.58: alpha = max(mean|w|, 1e-5), w = clamp(round_half_even(w / alpha), -1, 1) */
  TERNARY_THRESHOLD = 1 /**< Mangrove: keep |w| > 0.7 * mean|w|; alpha = mean of the kept |w| (0 if none is kept) */
} ternary_ternarise_method;

/** How a router chooses experts, and what their weights are. */
typedef enum ternary_route_method {
  TERNARY_SOFTMAX_TOPK = 0, /**< softmax over all experts, then the largest */
  TERNARY_TOPK_SOFTMAX = 1, /**< the largest logits, then softmax over the chosen ones in slot order */
  TERNARY_SIGMOID_TOPK = 2  /**< the sigmoid of each logit, then the largest */
} ternary_route_method;

/** What the score of a group of experts is. */
typedef enum ternary_group_score {
  TERNARY_GROUP_TOP2 = 0, /**< the sum of its two largest choice scores; of one expert its score */
  TERNARY_GROUP_MAX = 1   /**< its largest choice score */
} ternary_group_score;

/** What ternary_measure_limit() measures. */
typedef enum ternary_limit {
  TERNARY_LIMIT_READ = 0,      /**< bytes read from memory or a cache */
  TERNARY_LIMIT_INT8_PEAK = 1, /**< int8 multiply-adds on registers */
  TERNARY_LIMIT_TILE_LOADS = 2 /**< int8 multiply-adds of 2 x 2 tile registers of AMX that are loaded from 16 KB: what a
                                    product of operands in the first-level cache can reach */
} ternary_limit;

/** One measurement of a limit. */
typedef struct ternary_limit_measurement {
  int64_t amount;      /**< bytes read, or operations made: two a multiply-add */
  int64_t nanoseconds; /**< from the moment when all threads were ready to the end of the last */
  char kernel[64];     /**< the loop that measured, e.g. "read_8x32__avx2" */
} ternary_limit_measurement;

/** In which order and with what memory a call runs on a GPU. */
typedef struct ternary_cuda_call {
  void* stream;            /**< cudaStream_t of the runtime's device; null: the default stream */
  void* workspace;         /**< device memory of the caller's own, 256-byte aligned, that no call on another stream uses
                                meanwhile; null: the runtime's, one a stream, refused while the stream is captured */
  int64_t workspace_bytes; /**< at least ternary_workspace_bytes(); 0 if `workspace` is null */
} ternary_cuda_call;

/** What the cost model expects of a product on a GPU: times in microseconds. */
typedef struct ternary_prediction {
  double microseconds;             /**< of the whole call: launches, and the larger of the two that follow */
  double launch_microseconds;      /**< of starting the kernels */
  double byte_microseconds;        /**< of reading and writing memory at the device's bandwidth */
  double instruction_microseconds; /**< of issuing the instructions, of the pipe that needs longest */
  int64_t splits;                  /**< CTAs (thread blocks) that share K */
  char kernel[64];                 /**< the kernel that would serve, e.g. "gemv_a8_i2s" */
  char device[32];                 /**< the row of the device table, e.g. "H100" */
} ternary_prediction;

/** Configuration, threads and counters. */
typedef struct ternary_runtime ternary_runtime;
/** An immutable packed weight matrix. */
typedef struct ternary_weights ternary_weights;
/** An immutable layer: weights and what a product with them does besides. */
typedef struct ternary_layer ternary_layer;
/** An immutable layer of experts: the weights of all of them, and what is done with their products. */
typedef struct ternary_moe ternary_moe;

/*
 * Structs that functions take begin with their size, so that they can grow: set `size` to sizeof the struct, and all
 * that is not used to 0. What a caller's older struct lacks is taken for 0; what a newer one has beyond must be 0.
 */

/** What a layer is made of. Pointers are to host memory, which is copied; the weights are retained. */
typedef struct ternary_layer_spec {
  size_t size;                    /**< sizeof(ternary_layer_spec) */
  const ternary_weights* weights; /**< [N, K]; may be destroyed once the layer is made */
  const float* bias;              /**< [N] or null */
  const float* norm_weight;       /**< [K]: X is normalised before the product; null: it is not */
  float eps;                      /**< of the norm, finite and > 0; 0 where there is none */
  ternary_activation activation;  /**< how X is used */
  int64_t expected_rows;          /**< rows of X of the calls that the layer is for, 0 ... 2^31-1; 0: 1 to 16. On a GPU
                                       that libternary_cutlass_sm100a.so serves, its weights get a second arrangement
                                       where the cost model says that this pays for as many rows. The bits are the
                                       same, and any number of rows may be given to the layer */
  int64_t block;                  /**< with TERNARY_A8: columns of X that share a scale, a multiple of 32; 0: a scale a
                                       token. With alpha per group one of block and group is a multiple of the other */
  int64_t rotation;               /**< columns of X that are rotated together, behind the norm, before alpha per column:
                                       a power of two, 32 ... 4096, of which K is a multiple; 0: X is not rotated */
  const float* rotation_signs;    /**< [K] of +1 and -1 that X is multiplied by before it is rotated; null: none */
} ternary_layer_spec;

/**
 * The operands of one product, `Y = X * W^T (+ bias)`, or of a layer with a norm `v = x + residual; residual_out = v;
 * Y = (RMSNorm(v) * norm_weight) * W^T (+ bias)`. Q, K and V of unequal sizes are one layer with an alpha per row.
 * Host memory for ternary_apply() and ternary_oracle_apply(), the device's for ternary_apply_async().
 */
typedef struct ternary_operands {
  size_t size;   /**< sizeof(ternary_operands) */
  int64_t M;     /**< rows, 1 <= M < 2^31 */
  const void* x; /**< [M, K] of any type; TERNARY_I8 for A8 without norm, rotation and alpha per column */
  int64_t ldx;   /**< row stride of x, at least K */
  const float*
      x_scale; /**< required for TERNARY_I8: [M], or [M, ceil(K/block)] where the layer has blocks; optional for
                             TERNARY_F8_E4M3: [M]; else null */
  void* y;     /**< [M, N] of type F32, F16 or BF16 */
  int64_t ldy; /**< row stride of y, at least N */
  const void* residual; /**< [M, K] of type F32, F16 or BF16, for a layer with a norm; null: v = x */
  void* residual_out;   /**< [M, K], null without residual. May be the very pointer `residual` (each row is read
                                      before it is written); any other overlap is an error */
  int64_t ld_residual;  /**< row stride of both, at least K */
  ternary_dtype x_dtype;
  ternary_dtype y_dtype;
  ternary_dtype residual_dtype;
  const ternary_cuda_call* call; /**< for ternary_apply_async(); null: the default stream, the runtime's workspace */
} ternary_operands;

/** The operands of ternary_quantise(): `q` [M, K] int8 and `s` so that x, rotated and times alpha, is about q * s. */
typedef struct ternary_quantise_operands {
  size_t size;               /**< sizeof(ternary_quantise_operands) */
  int64_t M;                 /**< rows, 1 <= M < 2^31 */
  int64_t K;                 /**< columns, 1 <= K < 2^24 */
  const void* x;             /**< [M, K] of type F32, F16, BF16 or F8_E4M3 */
  int64_t ldx;               /**< row stride of x, at least K */
  const float* x_scale;      /**< [M], optional for TERNARY_F8_E4M3, else null */
  const float* alpha_column; /**< [K] or null: multiplies x first, after its rotation */
  int8_t* q;                 /**< [M, K]; 0 in a row with a value that is not finite */
  int64_t ldq;               /**< row stride of q, at least K */
  float* s;                  /**< [M], or [M, ceil(K/block)]; NaN for a row with a value that is not finite */
  ternary_dtype x_dtype;
  const ternary_cuda_call* call; /**< for ternary_quantise_async(); null: the default stream */
  int64_t block;                 /**< as in ternary_layer_spec */
  int64_t rotation;              /**< as in ternary_layer_spec */
  const float* rotation_signs;   /**< as in ternary_layer_spec */
} ternary_quantise_operands;

/** The operands of ternary_rotate(): each run of `rotation` columns of X times a Hadamard matrix, orthonormal. */
typedef struct ternary_rotate_operands {
  size_t size;          /**< sizeof(ternary_rotate_operands) */
  int64_t M;            /**< rows, 1 <= M < 2^31 */
  int64_t K;            /**< columns, a multiple of `rotation`, below 2^24 */
  const void* x;        /**< [M, K] of type F32, F16, BF16 or F8_E4M3 */
  int64_t ldx;          /**< row stride of x, at least K */
  const float* x_scale; /**< [M], optional for TERNARY_F8_E4M3, else null */
  void* y;            /**< [M, K] of type F32, F16 or BF16; may be the very pointer `x` if types and strides are equal;
                              any other overlap is an error */
  int64_t ldy;        /**< row stride of y, at least K */
  int64_t rotation;   /**< as in ternary_layer_spec, but never 0 */
  const float* signs; /**< [K] of +1 and -1, or null; before the rotation, behind it if `inverse` */
  int32_t inverse;    /**< 0: forward, as layers do; 1: what undoes that */
  ternary_dtype x_dtype;
  ternary_dtype y_dtype;
  const ternary_cuda_call* call; /**< for ternary_rotate_async(); null: the default stream */
} ternary_rotate_operands;

/** One side of ternary_qk_norm(): the heads of Q, or those of K, normalised in place. */
typedef struct ternary_heads {
  void* data;          /**< [M, count * head_dim] of type F32, F16 or BF16; null: there is none, and all else is 0 */
  int64_t ld;          /**< row stride, at least count * head_dim */
  int64_t count;       /**< heads, at least 1 */
  const float* weight; /**< [head_dim] */
  float eps;           /**< finite and > 0 */
  ternary_dtype dtype;
} ternary_heads;

/** The operands of ternary_qk_norm(): RMSNorm of each head by itself. A head whose sum is not finite becomes NaN. */
typedef struct ternary_qk_norm_operands {
  size_t size;      /**< sizeof(ternary_qk_norm_operands) */
  int64_t M;        /**< rows, 1 <= M < 2^31 */
  int64_t head_dim; /**< columns of a head, 1 <= head_dim < 2^24 */
  ternary_heads q;  /**< at least one of q and k is given. They share no element, but may be columns of one matrix */
  ternary_heads k;
  const ternary_cuda_call* call; /**< for ternary_qk_norm_async(); null: the default stream */
} ternary_qk_norm_operands;

/**
 * What a layer of experts is made of (numerics.md section 12). Of row m of X, slot t and expert `e = ids[m,t]`, whose
 * weight is w: `g, u = x' * W13[e]^T; h = f(g) * u; d = h' * W2[e]^T; p = p + w * d` over the slots ascending from +0;
 * `y = p * scaling`. x' and h' are X and h as a layer reads its X: rotated, times alpha per column, quantised. Pointers
 * are to host memory, which is copied; weights are retained.
 */
typedef struct ternary_moe_spec {
  size_t size;                /**< sizeof(ternary_moe_spec) */
  const ternary_weights* w13; /**< E experts of [2I, H]; may be destroyed once the layer is made, as `w2` */
  const ternary_weights* w2;  /**< E experts of [H, I] */
  ternary_gate_order gate_order;
  ternary_gate_function gate_function;
  float clamp;                 /**< L of TERNARY_SILU_CLAMP, finite and > 0; else 0 */
  float scaling;               /**< y = p * scaling, always multiplied: finite and not 0. Set 1 where there is none */
  ternary_dtype round_gate_up; /**< of g and u: F32 (not rounded), F16 or BF16, as are the three that follow */
  ternary_dtype round_activation; /**< of f(g) */
  ternary_dtype round_product;    /**< of h = f(g) * u */
  ternary_dtype round_expert;     /**< of d */
  int32_t weight_on_input;        /**< 1: x' = x * w, before its rotation, and p = p + d; 0: p = p + w * d */
  int32_t weight_before_rounding; /**< 1: d = w * d before it is rounded, and p = p + d; not with weight_on_input */
  int32_t skip_combine;           /**< 1: d of every slot is Y, [M, T, H], +0 for id -1; scaling is 1 then */
  ternary_activation activation;  /**< how x' and h' are used */
  int64_t block;                  /**< as in ternary_layer_spec, of x' and of h' */
  int64_t rotation13;             /**< as ternary_layer_spec's rotation, of x' */
  const float* signs13;           /**< [H] of +1 and -1 or null, as ternary_layer_spec's rotation_signs */
  int64_t rotation2;              /**< the same, of h' */
  const float* signs2;            /**< [I] */
} ternary_moe_spec;

/**
 * The operands of one call of a layer of experts. An id is 0 ... E - 1, or -1: that slot contributes nothing, and its
 * weight is not read. Ids may repeat in a row. A row of X with a value that is not finite makes its own row of Y NaN, unless
 * all its ids are -1.
 */
typedef struct ternary_moe_operands {
  size_t size;                /**< sizeof(ternary_moe_operands) */
  int64_t M;                  /**< rows, 1 <= M < 2^31 */
  int64_t T;                  /**< slots of a row, 1 ... 64 */
  const void* x;              /**< [M, H] of type F32, F16, BF16 or F8_E4M3 */
  int64_t ldx;                /**< row stride of x, at least H */
  const float* x_scale;       /**< [M], optional for TERNARY_F8_E4M3, else null */
  const int32_t* expert_ids;  /**< [M, T] */
  int64_t ld_ids;             /**< row stride of expert_ids, at least T */
  const void* expert_weights; /**< [M, T] of type F32 or BF16. Not read, and may be null, if the layer has skip_combine
                                   and neither weight_on_input nor weight_before_rounding */
  int64_t ld_weights;         /**< row stride of expert_weights, at least T; 0 where they are null */
  void* y;                    /**< [M, H] of type F32, F16 or BF16; [M, T, H] if the layer has skip_combine */
  int64_t ldy;                /**< row stride of y, at least H, or T * H */
  const void* residual;       /**< [M, H] of type F32, F16 or BF16; null: there is none. Not with skip_combine */
  void* residual_out;         /**< [M, H]: residual + y, with y as it was rounded, in the residual's type; null without
                                   residual. May be the very pointer `residual`; any other overlap is an error */
  int64_t ld_residual;        /**< row stride of both, at least H */
  ternary_dtype x_dtype;
  ternary_dtype expert_weights_dtype;
  ternary_dtype y_dtype;
  ternary_dtype residual_dtype;
  const ternary_cuda_call* call; /**< on a GPU: the stream; null: the default stream, the runtime's workspace */
} ternary_moe_operands;

/**
 * The operands of a router (numerics.md section 11): of each row the k experts of the largest choice scores, descending, at
 * a tie the lower id first, and their weights. Logits are given, or are `x * router^T + router_bias`. A row whose choice or
 * group scores hold a NaN gets the ids 0 ... k - 1 and NaN as weights.
 */
typedef struct ternary_route_operands {
  size_t size;                  /**< sizeof(ternary_route_operands) */
  int64_t M;                    /**< rows, 1 <= M < 2^31 */
  int64_t E;                    /**< experts, 1 ... 4096 */
  int64_t k;                    /**< experts a row, 1 ... 64, at most E */
  const void* logits;           /**< [M, E] of type F32, F16 or BF16; null: of x and router */
  int64_t ld_logits;            /**< row stride of logits, at least E; 0 where they are null */
  int64_t H;                    /**< columns of x and router, 1 <= H < 2^24; 0 where logits are given */
  const void* x;                /**< [M, H] of type F32, F16 or BF16; null where logits are given, as the next two */
  int64_t ldx;                  /**< row stride of x, at least H; 0 where it is null */
  const void* router;           /**< [E, H] of type F32, F16 or BF16 */
  int64_t ld_router;            /**< row stride of router, at least H; 0 where it is null */
  const float* router_bias;     /**< [E] or null */
  const float* correction_bias; /**< [E] or null: added to scores for the choice alone, never to weights */
  ternary_dtype logits_dtype;
  ternary_dtype x_dtype;
  ternary_dtype router_dtype;
  ternary_dtype
      round_logits; /**< of the router's product: F32 (not rounded), F16 or BF16; F32 where logits are given */
  ternary_route_method method;
  ternary_group_score group_score; /**< TERNARY_GROUP_TOP2 (0) where there are no groups */
  int32_t renormalise;             /**< 1: each weight is divided by the sum of the row's + renormalise_eps */
  float renormalise_eps;           /**< finite and >= 0; 0 without renormalise */
  int64_t groups;              /**< equal runs of experts, of which E is a multiple; 0: the choice is of all experts */
  int64_t topk_groups;         /**< groups that experts are chosen of, 1 ... groups, with k experts or more; 0 if
                                        groups is 0 */
  float scaling;               /**< weight * scaling at the end: finite and not 0. Set 1 where there is none */
  ternary_dtype weights_dtype; /**< F32 or BF16 */
  int32_t* ids;                /**< [M, k] */
  int64_t ld_ids;              /**< row stride of ids, at least k */
  void* weights;               /**< [M, k] */
  int64_t ld_weights;          /**< row stride of weights, at least k */
  const ternary_cuda_call* call; /**< for ternary_route_async(); null: the default stream, the runtime's workspace */
} ternary_route_operands;

/** The operands of ternary_align(): slots of all rows sorted by their expert; of one expert they stay ascending. */
typedef struct ternary_align_operands {
  size_t size;               /**< sizeof(ternary_align_operands) */
  int64_t M;                 /**< rows, M * T < 2^31 */
  int64_t T;                 /**< slots of a row, 1 ... 64 */
  int64_t E;                 /**< experts, 1 ... 4096 */
  const int32_t* expert_ids; /**< [M, T] of -1 and 0 ... E - 1 */
  int64_t ld_ids;            /**< row stride of expert_ids, at least T */
  int32_t* slots;            /**< [M * T]: slot t of row m is `m * T + t`. Those with id -1 are left out, and as many
                                      at the end are not written */
  int32_t* offsets;          /**< [E + 1]: expert e has slots[offsets[e]] ... slots[offsets[e + 1] - 1] */
  const ternary_cuda_call* call; /**< for ternary_align_async(); null: the default stream */
} ternary_align_operands;

/** The operands of ternary_combine(): what a layer without skip_combine does with its experts' outputs. */
typedef struct ternary_combine_operands {
  size_t size;                /**< sizeof(ternary_combine_operands) */
  int64_t M;                  /**< rows, 1 <= M < 2^31 */
  int64_t T;                  /**< slots of a row, 1 ... 64 */
  int64_t H;                  /**< columns, 1 <= H < 2^31 */
  int64_t E;                  /**< experts, 1 ... 4096 */
  const void* d;              /**< [M, T, H] of type F32, F16 or BF16; not read where the id is -1 */
  int64_t ldd;                /**< row stride of d, at least T * H */
  const int32_t* expert_ids;  /**< [M, T] of -1 and 0 ... E - 1 */
  int64_t ld_ids;             /**< row stride of expert_ids, at least T */
  const void* expert_weights; /**< [M, T] of type F32 or BF16; null: d already has them */
  int64_t ld_weights;         /**< row stride of expert_weights, at least T; 0 where they are null */
  void* y;                    /**< [M, H] of type F32, F16 or BF16 */
  int64_t ldy;                /**< row stride of y, at least H */
  const void* residual;       /**< as in ternary_moe_operands */
  void* residual_out;         /**< as in ternary_moe_operands */
  int64_t ld_residual;        /**< row stride of both, at least H */
  ternary_dtype d_dtype;
  ternary_dtype expert_weights_dtype;
  ternary_dtype y_dtype;
  ternary_dtype residual_dtype;
  float scaling;                 /**< as in ternary_moe_spec */
  const ternary_cuda_call* call; /**< for ternary_combine_async(); null: the default stream */
} ternary_combine_operands;

/** @return the library's version, e.g. "0.2.0". */
TERNARY_API const char* ternary_version(void);

/** @return the sentence of the calling thread's last error; empty if there was none. Valid until its next error. */
TERNARY_API const char* ternary_last_error(void);

/* ---- process ---------------------------------------------------------------------------------------------------- */

/**
 * Tells this copy of the library its place in a process that may hold several, e.g. one a Java class loader: called once
 * after loading it, before anything else. A program that links one libternary.so need not call it.
 * @param backend_folder absolute path of the folder with libternary_cpu.so and the libraries for GPUs; null: the folder
 *        of the library that holds this function.
 * @param copy 1 for the first copy of the process, n for the n-th, whose every report then has "-n" before the extension
 *        of its file name: report-2.json, .hidden-2, report-2 where there is none.
 *
 * Errors: TERNARY_INVALID_ARGUMENT for a path that is not absolute and a copy below 1; TERNARY_ILLEGAL_STATE once the
 * first runtime has loaded the CPU's library, unless the values are the same as before.
 */
TERNARY_API ternary_status ternary_configure_process(const char* backend_folder, int32_t copy);

/* ---- runtime ---------------------------------------------------------------------------------------------------- */

/**
 * Creates a runtime.
 * @param settings lines `NAME=VALUE` (see below), which win over environment variables of the same names; may be null.
 * @param runtime receives the handle.
 *
 * | name | value | meaning |
 * |---|---|---|
 * | TERNARY_DEVICE | cpu, cuda, cuda:0 ... cuda:63, auto | where products run (default cpu); `cuda` is `cuda:0`; `auto` is cuda:0 if a library has machine code for it, else the CPU, and ternary_runtime_info() says why |
 * | TERNARY_MAX_ISA | portable, avx2, avxvnni, avx512vnni, amx | kernels of this ISA and of those that it implies may serve, no others; one the machine lacks is an error |
 * | TERNARY_NUM_THREADS | 1 ... 1024 | threads a call may use, the caller's included; default: the process's physical cores |
 * | TERNARY_COLLECT_PATH_STATS | 0, 1 | count paths and fallbacks (default 1) |
 * | TERNARY_PATH_REPORT | file name | counters as JSON at exit; `{pid}` is expanded; ternary_configure_process() may add a number |
 * | TERNARY_PATH_REPORT_EVERY | 0 ... 2^62 | also rewrite the report every that many calls (default 0: only at exit) |
 * | TERNARY_I2S_ONLY | 0, 1 | 1: a fallback is an error (on a GPU: one to the dense kernel) |
 * | TERNARY_FUSE_RMSNORM_QKV | 0, 1 | 0: rmsnorm_linear runs its norm and its product as two passes (same bits) |
 * | TERNARY_ENABLE_PDL | 0, 1 | GPU of compute capability 9.0 and up: 1 (default) starts a kernel while the one before it ends |
 * | TERNARY_I2S_SPLITS | 0 ... 64 | GPU: CTAs that share K of one output, where the kernel can; 0 (default) lets the library choose |
 * | TERNARY_PREFILL_SKIP_M | 0 ... 2^31-1 | GPU: products of more rows than this run on the dense kernel; 0 (default) is off |
 * | TERNARY_CUTLASS | 0, 1, auto | GPU of compute capability 10.0: 0: libternary_cutlass_sm100a.so is neither loaded nor considered; 1: every layer gets the arrangement of its weights, and its kernels serve what they accept; auto (default): where the cost model expects less time, for layers whose `expected_rows` says that it pays |
 * | TERNARY_SETTINGS | file name | lines `NAME=VALUE` of other settings, which hold where neither the caller nor the environment says one |
 * | TERNARY_TUNING | file name | values measured here by `ternary tune`, in place of the built-in ones |
 * | TERNARY_COST_RESIDUALS | file name | GPU: measurements that correct the cost model's predictions, and so its choices of kernels; the bits are the same |
 * | TERNARY_MAX_SCRATCH | 1 ... 2^62 | CPU: bytes that the runtime's calls may hold together while they run; default: a quarter of the memory that the process may use (the machine's or its cgroup's) |
 * | TERNARY_VALIDATE | 0, 1 | 1: the first synchronous call of each kind is compared with the oracle, and computed again where it is wrong (default 0) |
 * | TERNARY_SHADOW | empty, oracle, cpu, cuda, cuda:0 ... cuda:63, portable, avx2, avxvnni, avx512vnni, amx | what a sample of synchronous calls is computed again by; empty (default): none is |
 * | TERNARY_SHADOW_EVERY | 1 ... 2^62 | one call of so many is sampled (default 100) |
 * | TERNARY_SHADOW_FILE | file name | receives a line of JSON for each sampled call that differs; `{pid}` is expanded; ternary_configure_process() may add a number |
 * | TERNARY_SHADOW_MAX_DIFFS | 0 ... 2^62 | lines that are written at most (default 100); the rest are counted |
 *
 * A product on the CPU needs scratch for its rows of X as the kernels read them: about K bytes a row with TERNARY_A8, 4 K
 * with TERNARY_A16, and 4 K more where TERNARY_FUSE_RMSNORM_QKV is 0. One that needs more than TERNARY_MAX_SCRATCH is
 * refused at once with TERNARY_OUT_OF_MEMORY, before anything is allocated or written: give it fewer rows at a time. One
 * that other calls leave too little waits until they end, ten seconds at most, and is then refused in the same way.
 *
 * TERNARY_PATH_REPORT is written as ternary_write_report() does, and refused here if that could not succeed, as is
 * TERNARY_SHADOW_FILE.
 *
 * TERNARY_VALIDATE is a guard. Calls of ternary_apply(), ternary_apply_moe() and ternary_quantise() of one M, N, K, path,
 * and whatever else a path depends on, are one kind. Of the first call of each kind at most 4 rows and 256 columns are
 * compared with the oracle: bits, and for products with TERNARY_A16 the bound of their sums. One that is wrong is computed
 * again by the next kernel of the table that accepts, from the same operands, until one is right. A kernel that was wrong
 * serves nothing more in this runtime, and each problem that it would have served counts a fallback `validation`. Of a
 * layer of experts the kernels of both products go together. If none is right the call fails with TERNARY_UNSUPPORTED. Not
 * compared: ternary_rotate(), ternary_qk_norm(), ternary_route(), ternary_align(), ternary_combine(), asynchronous calls,
 * and layers of experts with TERNARY_A16 on a GPU, whose sums have no bound. The runtime remembers 4096 kinds; one
 * that it forgot is compared again. A call that is compared allocates memory, and takes as long as the oracle does.
 *
 * TERNARY_SHADOW only tells. It samples calls of ternary_apply() and ternary_apply_moe(), of one thread the first and every
 * N-th from there, and computes them again: by the oracle, by kernels up to another ISA, or on another device. All of Y and of
 * residual_out is compared as above. What the machine lacks is an error of this function; whatever goes wrong later is
 * counted, and is one notice. Asynchronous calls are not sampled but counted, those on the default stream too; layers of
 * experts with TERNARY_A16 are passed over where a GPU takes part. A call that is not sampled allocates nothing and costs
 * a few loads and branches and one store. A line is
 * `{"op":"linear","M":1,"N":64,"K":64,"activation":"A8","layout":"i2s_tiled","path":"linear.gemv_a8_i2s.cpu.avx2",
 * "by":"oracle","worst_row":0,"max_abs":0.5,"max_rel":0.25,"different":1,"elements":64}`: `worst_row` is the first row with
 * `max_abs`, `max_rel` is against the larger of the reference and its row's root mean square, and both are null where a
 * value was not finite beside one that was. The `op` of a layer of experts is `moe`, N the columns of Y and K those of X.
 * Lines are added by one write each, so that runtimes and processes may share a file.
 *
 * A settings file has lines `NAME=VALUE` of this table, but none of TERNARY_SETTINGS, TERNARY_DEVICE and TERNARY_SHADOW:
 * the last two say what is loaded before the file is read. Empty lines and lines that begin with # are skipped. It is a
 * regular file of at most 64 KiB with lines of at most 1 KiB. Every line is checked, also where the caller or the
 * environment says otherwise. ternary_runtime_info() has the origin "file".
 *
 * A tuning file has lines `NAME=VALUE`; empty lines and lines that begin with # are skipped. It must have been measured
 * by this version on this machine: `version`, `device` (the processor's name), `device_id` (vendor, family, model,
 * stepping), `isa` (the runtime's best), `cores` and `cache_bytes` (what the process may use) are compared. Then follows
 * every value of ternary_runtime_info()'s `tuning.values`, whole numbers in ranges that a refusal names, and at last
 * `end`, the number of lines `NAME=VALUE` before it. It is a regular file of at most 64 KiB with lines of at most 1 KiB and
 * control characters in comments alone. A file that breaks a rule does not fail this function: the built-in
 * values serve, and `tuning.error` of ternary_runtime_info() is the sentence with file, line, value and rule.
 *
 * Errors: TERNARY_INVALID_ARGUMENT for an unknown name or a value that cannot be honoured, named in the sentence;
 * TERNARY_UNSUPPORTED if TERNARY_DEVICE names a GPU and the CUDA runtime, the driver, the device or a library with code
 * for it is missing or too old: the sentence says which. Nothing of CUDA is looked for unless the setting asks for it.
 * All kernels are loaded on the GPU here, so that a device which does not run them is refused now and not by the first
 * product. For a device of 8.0 or later without machine code of its own `cuda` (not `auto`) has the driver compile the
 * PTX of sm80's library, which takes seconds; `cuda.warning` of ternary_runtime_info() then says so.
 */
TERNARY_API ternary_status ternary_runtime_create(const char* settings, ternary_runtime** runtime);

/** Ends the runtime's threads and frees it. Weights do not belong to it. Null is allowed. */
TERNARY_API void ternary_runtime_destroy(ternary_runtime* runtime);

/**
 * Describes the runtime: version, CPU, ISAs with those they imply and with reasons, settings with their origin, every kernel and whether it can
 * serve here; `cuda` is the GPU: `"used":true` with `ordinal`, `name`, `capability` ("9.0"), `library` ("sm90a"),
 * `driver` and `runtime` ("13.1"), `sms`, `memory_bytes`, `model` (the row of the cost model), `weight_bytes` (of its
 * memory, what copies of weights take now: those of all runtimes of the process, by arrangement: `i2s`, `t5`, and the
 * second ones `dense` and `top2`; scales count with the first), `warning` (empty, or that its kernels were compiled
 * from PTX, and why), `libraries`: of each library of kernels `name`, the `arch` whose code serves, or an empty one and
 * the `reason`; or `"used":false` with `reason`, empty if TERNARY_DEVICE is cpu. Kernels of a GPU have its library where
 * those of the CPU have their ISA. `report` is the file that TERNARY_PATH_REPORT comes to, with every part expanded, or empty.
 * @param json receives at most `capacity` bytes, zero-terminated if capacity > 0; may be null if capacity is 0.
 * @param length receives the whole length without the zero, so a caller can ask first. May be null.
 */
TERNARY_API ternary_status ternary_runtime_info(const ternary_runtime* runtime, char* json, size_t capacity,
                                                size_t* length);

/**
 * The counters of this runtime: `{"pid":1,"path_counts":{"linear.gemm_a8_i2s.cpu.avx2":3},"fallback_counts":
 * {"linear.gemm_a8_i2s.cpu.amx:group_size":3},"path_totals":{...},"fallback_totals":{...},"stage_nanoseconds":
 * {"moe_gate_up":81000},"plans_made":7}`. Counts begin at the last ternary_runtime_reset_counters(), totals when the runtime
 * was made. `stage_nanoseconds` begins with the counts: how long the stages of layers of experts took, by the first word of
 * their paths; it is not collected where paths are not. With the totals begins `plans_made`, the plans that
 * were made for products: one of sizes and types that were served before needs none. Once a report of
 * TERNARY_PATH_REPORT_EVERY could not be written there is `report_error` too, the sentence about the first such report.
 * With TERNARY_VALIDATE there is `"validation":{"checked":2,"failed":1}`, calls that were compared and those that were wrong.
 * With TERNARY_SHADOW there is `"shadow":{"different":1,"failed":0,"sampled":7,"unsampled":3,"written":1}`: calls that
 * were computed again, of them those that differ, lines that were written, calls that could not be computed again or whose
 * line could not be written, and asynchronous calls. Both begin when the runtime was made. Once one failed there is
 * `shadow_error`, the sentence about the first.
 * Parameters as for ternary_runtime_info().
 */
TERNARY_API ternary_status ternary_runtime_counters(const ternary_runtime* runtime, char* json, size_t capacity,
                                                    size_t* length);

/**
 * The plans that this runtime keeps for its products, sorted: two runtimes whose plans and path counts are the same do the
 * same for the same calls. `{"made":7,"kept":7,"launches":0,"pdl_launches":0,"plans":[{"path":"gemv_a8_i2s.cpu.avx2",
 * "kernel":"gemv_a8_i2s_4x16__avx2","layout":"i2s_tiled","activation":"a8","M":1,"N":2560,"K":2560,"group":0,"block":0,
 * "norm":false,"threads":2,"chunks":8,"m_size":1,"n_size":320,"row_threads":1,"row_size":1}],"experts":[]}`: the kernel as
 * counters name it, and its function, since one path may stand for several tiles; the problem, group 0 where alpha has no
 * groups and block 0 where a row has one scale; threads of the product, chunks that Y is cut into and what they measure;
 * threads that make rows of X ready, and the rows that one of them takes at a time. Of a GPU, in the place of these six:
 * `pdl`, whether its launches are programmatic ones; `splits`, CTAs that share K; `grid`, all CTAs; `own`, numbers that
 * only the kernel reads; and where a second kernel serves the last rows `tail`, `tail_kernel`, `tail_begin`,
 * `tail_splits`, `tail_grid` and `tail_own`. At most 256 plans are kept of the CPU and of the GPU each; `made` counts all.
 *
 * Layers of experts keep none. `experts` has `path` and `kernel` of each of their stages that has been counted since the
 * runtime was made: on the CPU with `most_threads`, which may share its work as the routing of a call has it, on a GPU with
 * `pdl`.
 *
 * `launches` are the kernels that calls of this runtime have started on its GPU, `pdl_launches` the programmatic ones
 * among them. A graph's are counted when they are captured; its replays are not.
 * Parameters as for ternary_runtime_info().
 */
TERNARY_API ternary_status ternary_runtime_plans(const ternary_runtime* runtime, char* json, size_t capacity,
                                                 size_t* length);

/** Sets this runtime's counters to zero; what was counted stays in its totals and in the report. */
TERNARY_API ternary_status ternary_runtime_reset_counters(ternary_runtime* runtime);

/**
 * @return the address of a 64-bit count of what there is to say once about this runtime: the first fallback of each path
 * and reason, the first report of TERNARY_PATH_REPORT_EVERY that could not be written, and the first call that
 * TERNARY_SHADOW could not compute again or write down. ternary_runtime_counters() has the words. A caller can poll it for
 * logging at the price of one load. Lives as long as the runtime; null for null.
 */
TERNARY_API const uint64_t* ternary_runtime_notices(const ternary_runtime* runtime);

/**
 * @return the path that served the calling thread's last call, as it is counted ("linear.gemv_a8_i2s.cpu.avx2"), also
 * where TERNARY_COLLECT_PATH_STATS is 0; empty if that was a call of another runtime, or there was none. Valid until the
 * thread asks again.
 */
TERNARY_API const char* ternary_last_path(const ternary_runtime* runtime);

/**
 * Writes the report (the counters of every runtime of this copy of the library, also of destroyed ones) to `path`, with
 * `{pid}` expanded and the number of ternary_configure_process(). A reader finds the old file or the new one, never a part;
 * threads and processes may write at once. A new file has the mode that the umask leaves, one that is replaced keeps its
 * mode; of a symbolic link the target is replaced. A pipe or a character device is written to where that cannot block.
 *
 * Errors: TERNARY_INVALID_ARGUMENT for a path that no file can be put at: a folder, a block device, a socket, a pipe that
 * nobody reads, a folder that is missing or may not be written; TERNARY_DEVICE_ERROR if the system fails to write, e.g. on
 * a full disk: the old file is whole then.
 *
 * Only this function fails if a report cannot be written: of one that TERNARY_PATH_REPORT_EVERY asks for the failure is a
 * notice, of the one at exit a line on stderr.
 */
TERNARY_API ternary_status ternary_write_report(const char* path);

/* ---- layouts ---------------------------------------------------------------------------------------------------- */

/** Bytes of an [N, K] matrix in a layout. 1 <= N < 2^31, 1 <= K < 2^24. */
TERNARY_API ternary_status ternary_layout_bytes(ternary_layout layout, int64_t N, int64_t K, int64_t* bytes);

/**
 * Chooses the layout in which this runtime's kernels multiply one row of X by an [N, K] matrix the fastest. The caller is
 * free to use another: the bits are the same. The rule:
 *   1. T5 or T3 is out where it has no kernel of the ISA that serves I2S.
 *   2. TERNARY_LAYOUT_I2S_TILED if the working set stays in cache: working_set / 4 bytes fit in `resident_bytes` of the
 *      tuning or, where that is 0, in the last-level caches of the CPUs the runtime's threads may use.
 *   3. Else the layout with the smallest max(bytes / bandwidth, weights / (threads * rate)). At a tie it is the first
 *      of TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED and TERNARY_LAYOUT_T3_TILED. Bandwidth is
 *      the smaller of threads * `memory_mb_per_s_one_thread` and `memory_mb_per_s_all_threads`, rate the
 *      `..._weights_per_us` of layout and activation, threads the runtime's.
 * On a GPU it is I2S or T5, for which ternary_predict() expects the shorter time, I2S at a tie, whatever the working set.
 * @param activation TERNARY_A8 or TERNARY_A16.
 * @param working_set weights that are read from one use of this matrix to its next, its own included, e.g. those of all
 *        layers of a model; at least N * K. 0: N * K.
 * @param layout receives TERNARY_LAYOUT_I2S_TILED, TERNARY_LAYOUT_T5_TILED or TERNARY_LAYOUT_T3_TILED.
 */
TERNARY_API ternary_status ternary_choose_layout(ternary_runtime* runtime, ternary_activation activation, int64_t N,
                                                 int64_t K, int64_t working_set, ternary_layout* layout);

/** Packs weights -1, 0, +1 (`w` [N, K], row stride `ldw` >= K) into I2S. Any other value is an error that names it. */
TERNARY_API ternary_status ternary_pack(const int8_t* w, int64_t ldw, int64_t N, int64_t K, uint8_t* i2s);

/** Unpacks I2S into weights -1, 0, +1. A code 3 is an error that names its place. */
TERNARY_API ternary_status ternary_unpack(const uint8_t* i2s, int64_t N, int64_t K, int8_t* w, int64_t ldw);

/**
 * Rearranges codes from one layout to another; source and target must not overlap. A code 3 of I2S and an invalid byte
 * of T5 or index of T3 are errors that name the place; padding is ignored on input.
 */
TERNARY_API ternary_status ternary_repack(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K,
                                          uint8_t* target, ternary_layout target_layout);

/**
 * Converts the packing of published BitNet safetensors files to I2S: `packed` is uint8 [ceil(N/4), K]; byte [r, k] holds
 * the codes of rows r, r + R, r + 2R, r + 3R (R = ceil(N/4)) at bits 0, 2, 4, 6. Where N is not a multiple of 4 the
 * rows beyond N are padding and are ignored whatever they hold.
 */
TERNARY_API ternary_status ternary_pack_bitnet(const uint8_t* packed, int64_t N, int64_t K, uint8_t* i2s);

/**
 * Converts the packing of bitnet.cpp's GPU kernels ("ladder", gpu/pack_weight.py there) to I2S. N is a multiple of 16 and
 * K of 32. `packed` is N * K / 4 bytes: tiles of 16 rows by 32 columns, row-major, 128 bytes each, of 32 little-endian
 * words. Word t of a tile is of row `8 * (t / 16) + t % 8` and of columns `16 * (t % 16 / 8) + e`, e = 0 ... 15, at bits
 * `8 * (e % 4) + 2 * (e / 4)`. A code is w + 2: 1, 2, 3; a 0 is an error that names its place.
 */
TERNARY_API ternary_status ternary_pack_ladder(const uint8_t* packed, int64_t N, int64_t K, uint8_t* i2s);

/**
 * Makes ternary weights of dense ones. Sums run in double in ascending (row-major) order; ties round half to even.
 * @param w dense weights [N, K] of type F32, F16 or BF16, row stride `ldw`; a NaN or infinity is an error.
 * @param kind what one alpha covers; `group` is used for TERNARY_ALPHA_GROUP and 0 otherwise.
 * @param i2s receives the codes in I2S.
 * @param alpha receives 1, N, K or N * ceil(K/group) values.
 */
TERNARY_API ternary_status ternary_ternarise(const void* w, ternary_dtype dtype, int64_t ldw, int64_t N, int64_t K,
                                             ternary_ternarise_method method, ternary_alpha_kind kind, int64_t group,
                                             uint8_t* i2s, float* alpha);

/* ---- weights ---------------------------------------------------------------------------------------------------- */

/**
 * Creates a weight matrix: checks the codes, copies them into `layout` and copies alpha.
 * @param codes source codes in `source_layout`.
 * @param layout the layout to keep. TERNARY_LAYOUT_I2S_TILED is the fastest for weights that stay in cache,
 *        TERNARY_LAYOUT_T5_TILED or TERNARY_LAYOUT_T3_TILED may be for weights that stream from memory; TERNARY_LAYOUT_I2S is served by the portable
 *        kernels only.
 * @param alpha 1, N, K or N * ceil(K/group) finite values, by `kind`; `alpha_count` says how many there are.
 * @param group for TERNARY_ALPHA_GROUP a multiple of 32, else 0.
 */
TERNARY_API ternary_status ternary_weights_create(const uint8_t* codes, ternary_layout source_layout, int64_t N,
                                                  int64_t K, ternary_layout layout, ternary_alpha_kind kind,
                                                  const float* alpha, int64_t alpha_count, int64_t group,
                                                  ternary_weights** weights);

/**
 * Creates the weights of E experts, which a layer of experts takes. Each expert is a matrix of its own: checked, copied and
 * padded by itself. The process's cores share the work.
 * @param codes [E] pointers, each to the codes of one [N, K] matrix in `source_layout`; of a tensor [E, N, K] they are
 *        ternary_layout_bytes() apart.
 * @param E 1 ... 4096.
 * @param alpha finite values by `kind`: E of TERNARY_ALPHA_TENSOR, one an expert; [E, N] of TERNARY_ALPHA_ROW; [E, K] of
 *        TERNARY_ALPHA_COLUMN, or [E, 2, K], of W13's gate and up (gate first, whatever the order of the rows);
 *        [E, N, ceil(K/group)] of TERNARY_ALPHA_GROUP. `alpha_count` says how many there are.
 * All else is as for ternary_weights_create(). Layers made by ternary_layer_create() refuse more experts than one, and two
 * alphas a column.
 */
TERNARY_API ternary_status ternary_weights_create_experts(const uint8_t* const* codes, ternary_layout source_layout,
                                                          int64_t E, int64_t N, int64_t K, ternary_layout layout,
                                                          ternary_alpha_kind kind, const float* alpha,
                                                          int64_t alpha_count, int64_t group,
                                                          ternary_weights** weights);

/** Gives the handle back; the weights are freed when no layer has them any more. Null is allowed. */
TERNARY_API void ternary_weights_destroy(ternary_weights* weights);

/** Bytes the weights hold, scales included. */
TERNARY_API int64_t ternary_weights_bytes(const ternary_weights* weights);

/** Writes the codes in I2S (ternary_layout_bytes() of it). Weights of more than one expert are refused. */
TERNARY_API ternary_status ternary_weights_codes(const ternary_weights* weights, uint8_t* i2s);

/** Writes the codes of expert e, 0 ... E - 1, in I2S (ternary_layout_bytes() of it). */
TERNARY_API ternary_status ternary_weights_expert_codes(const ternary_weights* weights, int64_t e, uint8_t* i2s);

/* ---- layers ----------------------------------------------------------------------------------------------------- */

/**
 * Makes a layer. It belongs to no runtime: any number of runtimes and threads may apply it at once.
 *
 * Errors: TERNARY_INVALID_ARGUMENT for what a field of the spec does not allow, by name.
 */
TERNARY_API ternary_status ternary_layer_create(const ternary_layer_spec* spec, ternary_layer** layer);

/** Frees the layer. Null is allowed. */
TERNARY_API void ternary_layer_destroy(ternary_layer* layer);

/** Bytes that the layer holds, those of its weights included. */
TERNARY_API int64_t ternary_layer_bytes(const ternary_layer* layer);

/**
 * Copies the layer to the runtime's GPU, its weights in the layout of the GPU's kernels, and waits. Copies stay there until
 * layer and weights are freed; a second call does nothing, nor does one on a CPU runtime. Products do the same when they
 * meet a layer that was not prepared, which takes long and is refused under graph capture. TERNARY_LAYOUT_T5_TILED weights
 * are T5 there too, others I2S; with TERNARY_PREFILL_SKIP_M the dense kernel's copy (16 bits a weight) is made too,
 * and so is the arrangement that `expected_rows` or TERNARY_CUTLASS asks for (2 bits a weight, capability 10.0). The
 * runtime's threads rearrange them. Any threads may prepare the same layer, or layers of the same weights, at once: a device
 * gets one copy, for which they wait; calls for another device, or whose copy is there, wait for nothing.
 */
TERNARY_API ternary_status ternary_prepare(ternary_runtime* runtime, const ternary_layer* layer);

/** The product of host memory: it has been made when this returns. */
TERNARY_API ternary_status ternary_apply(ternary_runtime* runtime, const ternary_layer* layer,
                                         const ternary_operands* operands);

/** Quantises activations by absmax, per row or by block, in host memory. */
TERNARY_API ternary_status ternary_quantise(ternary_runtime* runtime, const ternary_quantise_operands* operands);

/** Rotates rows of X in host memory: what a layer with `rotation` does to its X, or undoes it. */
TERNARY_API ternary_status ternary_rotate(ternary_runtime* runtime, const ternary_rotate_operands* operands);

/** Normalises the heads of Q and K in place, in host memory. */
TERNARY_API ternary_status ternary_qk_norm(ternary_runtime* runtime, const ternary_qk_norm_operands* operands);

/* ---- experts ---------------------------------------------------------------------------------------------------- */

/**
 * Makes a layer of experts. As a layer it belongs to no runtime.
 *
 * Errors: TERNARY_INVALID_ARGUMENT for what a field of the spec does not allow, by name.
 */
TERNARY_API ternary_status ternary_moe_create(const ternary_moe_spec* spec, ternary_moe** moe);

/** Frees the layer. Null is allowed. */
TERNARY_API void ternary_moe_destroy(ternary_moe* moe);

/** Bytes that the layer holds, those of its weights included. */
TERNARY_API int64_t ternary_moe_bytes(const ternary_moe* moe);

/**
 * A layer of experts applied to host memory: ternary_oracle_apply_moe() by this machine's kernels. Each expert's weights are
 * read once for all rows that chose it, and an expert without rows is not read. Rows are taken as many at a time as
 * 64 MB of scratch are enough for. By the runtime's GPU where it has one, to which the layer is copied as by
 * ternary_prepare_moe().
 *
 * Errors: TERNARY_INVALID_ARGUMENT as ternary_oracle_apply_moe().
 */
TERNARY_API ternary_status ternary_apply_moe(ternary_runtime* runtime, const ternary_moe* moe,
                                             const ternary_moe_operands* operands);

/**
 * Copies the layer to the runtime's GPU, its weights in the layout of the GPU's kernels, and waits; as ternary_prepare().
 */
TERNARY_API ternary_status ternary_prepare_moe(ternary_runtime* runtime, const ternary_moe* moe);

/** A router in host memory: experts and weights of each row, from logits or from X. By the runtime's GPU where it has one, as
 *  the two that follow. Errors as ternary_oracle_route()'s. */
TERNARY_API ternary_status ternary_route(ternary_runtime* runtime, const ternary_route_operands* operands);

/** Slots in host memory sorted by expert, on the calling thread or a GPU. Errors as ternary_oracle_align()'s. */
TERNARY_API ternary_status ternary_align(ternary_runtime* runtime, const ternary_align_operands* operands);

/** Experts' outputs in host memory added up. Errors as ternary_oracle_combine()'s. */
TERNARY_API ternary_status ternary_combine(ternary_runtime* runtime, const ternary_combine_operands* operands);

/* ---- layers on a GPU -------------------------------------------------------------------------------------------- */

/*
 * Capture. No function of this library disturbs a stream capture of another thread, or of other code of the same thread,
 * whatever its mode: what a call allocates, frees, copies and waits for is never part of a graph. What a captured stream is
 * given by an `_async` function is. The default stream is refused while a blocking stream is captured, which waits for it.
 */

/**
 * Bytes of workspace that suffice for every ternary_apply_async() of this layer with up to M rows.
 * ternary_quantise_async() needs none.
 * Errors: TERNARY_UNSUPPORTED on a CPU runtime.
 */
TERNARY_API ternary_status ternary_workspace_bytes(ternary_runtime* runtime, const ternary_layer* layer, int64_t M,
                                                   int64_t* bytes);

/**
 * ternary_apply() on the runtime's GPU, started and not waited for: the same bits. Operands are memory that the device can
 * read (and write); they and the layer must stay until the work has run. May be captured in a graph: then the layer has been
 * prepared and the workspace is the caller's own, kept as long as the graph.
 *
 * Errors, besides ternary_apply()'s: TERNARY_UNSUPPORTED on a CPU runtime; TERNARY_INVALID_ARGUMENT for memory that CUDA
 * knows to be the host's or another device's, and for a workspace that is too small or not aligned;
 * TERNARY_ILLEGAL_STATE for what capture forbids; TERNARY_DEVICE_ERROR with CUDA's own words for a fault, also one of
 * earlier work on the device, which CUDA reports at any later call until the process ends.
 */
TERNARY_API ternary_status ternary_apply_async(ternary_runtime* runtime, const ternary_layer* layer,
                                               const ternary_operands* operands);

/** ternary_quantise() in the same way. */
TERNARY_API ternary_status ternary_quantise_async(ternary_runtime* runtime, const ternary_quantise_operands* operands);

/** ternary_rotate() in the same way. It needs no workspace. */
TERNARY_API ternary_status ternary_rotate_async(ternary_runtime* runtime, const ternary_rotate_operands* operands);

/** ternary_qk_norm() in the same way. It needs no workspace. */
TERNARY_API ternary_status ternary_qk_norm_async(ternary_runtime* runtime, const ternary_qk_norm_operands* operands);

/**
 * Bytes of workspace that suffice for every ternary_apply_moe_async() of this layer with up to M rows of T slots. More than
 * 16384 slots are taken in several turns, which share it.
 * Errors: TERNARY_UNSUPPORTED on a CPU runtime; TERNARY_INVALID_ARGUMENT for M and T out of range.
 */
TERNARY_API ternary_status ternary_moe_workspace_bytes(ternary_runtime* runtime, const ternary_moe* moe, int64_t M,
                                                       int64_t T, int64_t* bytes);

/**
 * ternary_apply_moe() in the same way: the same bits in A8. Ids and weights are read on the device alone. An id that is
 * neither -1 nor an expert's contributes nothing, as -1 does; ternary_synchronise() tells that there were such. May be
 * captured, and replayed with other ids, once ternary_prepare_moe() has run.
 */
TERNARY_API ternary_status ternary_apply_moe_async(ternary_runtime* runtime, const ternary_moe* moe,
                                                   const ternary_moe_operands* operands);

/**
 * Bytes of workspace that suffice for every ternary_route_async() of a router with a matrix, of up to M rows and E experts.
 * One that is given logits needs none.
 * Errors: TERNARY_UNSUPPORTED on a CPU runtime; TERNARY_INVALID_ARGUMENT for M and E out of range.
 */
TERNARY_API ternary_status ternary_route_workspace_bytes(ternary_runtime* runtime, int64_t M, int64_t E,
                                                         int64_t* bytes);

/** ternary_route() in the same way. Ids and weights stay on the device. */
TERNARY_API ternary_status ternary_route_async(ternary_runtime* runtime, const ternary_route_operands* operands);

/**
 * ternary_align() in the same way. It needs no workspace. An id that is neither -1 nor an expert's contributes nothing, as
 * -1 does; ternary_synchronise() tells that there were such.
 */
TERNARY_API ternary_status ternary_align_async(ternary_runtime* runtime, const ternary_align_operands* operands);

/** ternary_combine() in the same way. It needs no workspace; ids are taken as by ternary_align_async(). */
TERNARY_API ternary_status ternary_combine_async(ternary_runtime* runtime, const ternary_combine_operands* operands);

/**
 * Waits until a stream of the runtime's GPU has run what it was given, and tells what the runtime's calls met there that
 * nobody could know when they were started. Any number of threads may call; one of them is told.
 * @param stream a cudaStream_t; null: the default stream.
 * Errors: TERNARY_UNSUPPORTED on a CPU runtime; TERNARY_INVALID_ARGUMENT, once, if ids of experts since the last call were
 * neither -1 nor an expert's; TERNARY_DEVICE_ERROR with CUDA's own words for a fault.
 */
TERNARY_API ternary_status ternary_synchronise(ternary_runtime* runtime, void* stream);

/**
 * What the cost model that chooses kernels expects of a product with row alpha, f16 activations and f16 Y, without norm.
 * A kernel whose machine code has not been counted is passed over, and so are those that need a second arrangement of the
 * weights.
 * @param runtime a GPU runtime, or null if `device` is given.
 * @param device "A100", "H100", "H200", "B200", "B300" or "RTX 5090"; null: the runtime's.
 * @param layout TERNARY_LAYOUT_I2S_TILED or TERNARY_LAYOUT_T5_TILED (others are as I2S_TILED).
 * Errors: TERNARY_INVALID_ARGUMENT for an unknown device; TERNARY_UNSUPPORTED for a CPU runtime without `device`, and
 * where no kernel that could serve has been counted.
 */
TERNARY_API ternary_status ternary_predict(const ternary_runtime* runtime, const char* device, ternary_layout layout,
                                           ternary_activation activation, int64_t M, int64_t N, int64_t K,
                                           ternary_prediction* prediction);

/* ---- limits ----------------------------------------------------------------------------------------------------- */

/**
 * Measures a limit of this machine by a loop that nothing else holds up, on the runtime's own threads: so it can take
 * turns with products in one process. Of the loops that TERNARY_MAX_ISA allows the fastest is used; it is found at the
 * first call of a kind, number of threads and size, which therefore takes longer.
 * @param limit what to measure.
 * @param threads 1 to the runtime's.
 * @param bytes for TERNARY_LIMIT_READ the working set, shared out evenly: a multiple of 4096 a thread, at most 2^40;
 *        else 0. It is read over and over, each call going on where the last one of the same size ended. Its memory asks
 *        for huge pages as weights do, is first touched by the threads that read it, and stays with the runtime until
 *        another size is measured.
 * @param nanoseconds how long to measure, 1 to 10^10; each thread reads at least 256 KB, or makes 64 steps.
 * @param result receives what was measured.
 *
 * Errors: TERNARY_UNSUPPORTED where no loop of the kind is allowed (AMX tiles without AMX; the int8 peak of portable
 * code); TERNARY_ILLEGAL_STATE if not all threads were free within a second (a product of another caller ran).
 * Concurrent calls measure one after the other.
 */
TERNARY_API ternary_status ternary_measure_limit(ternary_runtime* runtime, ternary_limit limit, int64_t threads,
                                                 int64_t bytes, int64_t nanoseconds, ternary_limit_measurement* result);

/* ---- the oracle ------------------------------------------------------------------------------------------------- */

/**
 * ternary_apply() by the oracle: plain C++ that follows the contract line by line, on the calling thread. With TERNARY_A8
 * every kernel must give exactly these bits (NaNs compared as a class).
 */
TERNARY_API ternary_status ternary_oracle_apply(const ternary_layer* layer, const ternary_operands* operands);

/** ternary_quantise() by the oracle. */
TERNARY_API ternary_status ternary_oracle_quantise(const ternary_quantise_operands* operands);

/** ternary_rotate() by the oracle. */
TERNARY_API ternary_status ternary_oracle_rotate(const ternary_rotate_operands* operands);

/** ternary_qk_norm() by the oracle. */
TERNARY_API ternary_status ternary_oracle_qk_norm(const ternary_qk_norm_operands* operands);

/**
 * A layer of experts by the oracle. Errors, besides those of operands: TERNARY_INVALID_ARGUMENT for an id that is neither -1
 * nor 0 ... E - 1, with its row and slot, before anything is written. So it is of the functions that follow.
 */
TERNARY_API ternary_status ternary_oracle_apply_moe(const ternary_moe* moe, const ternary_moe_operands* operands);

/** A router by the oracle. */
TERNARY_API ternary_status ternary_oracle_route(const ternary_route_operands* operands);

/** Slots sorted by expert, by the oracle. */
TERNARY_API ternary_status ternary_oracle_align(const ternary_align_operands* operands);

/** Experts' outputs added up, by the oracle. */
TERNARY_API ternary_status ternary_oracle_combine(const ternary_combine_operands* operands);

#ifdef __cplusplus
}
#endif

#endif /* TERNARY_TERNARY_H_ */
