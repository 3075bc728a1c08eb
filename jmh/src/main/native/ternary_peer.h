/**
 * @file ternary_peer.h
 * @brief The interface by which `bench --peer NAME=libsomething.so` times another implementation of a product with
 * ternary weights: a shared library with these five functions.
 *
 * Layout. Every matrix is dense, row-major and aligned to 64 bytes; sizes and strides count elements. W has N rows
 * (output features) and K columns (input features), each -1, 0 or +1. X has M rows of K, Y has M rows of N.
 *
 * Numbers. A peer may quantise each row of X to int8 by its largest size, in the whole row or in parts of it, and may
 * add in fp32 in any order. With amax the largest |x| of a row, u = 2^-24 and Q = amax * (1/254 + 3u) * sum |w|, the row
 * of Y must then be within alpha * (Q + (K + 6) * u * (sum |x * w| + Q)) of the exact product. `bench` checks the first,
 * the last and two rows between, and the first row by every product of the same W. It times no peer that is farther off.
 *
 * Time. What is timed are calls of ternary_peer_run(), whatever it does to X and Y included.
 *
 * Process and threads. `bench` loads the library into a process of its own, one for each number of threads, by
 * dlopen(RTLD_NOW | RTLD_LOCAL). It calls all functions from one thread. Threads that the library starts must sleep
 * within 10 ms of a call's end, or they disturb those who are timed next: the process has GOMP_SPINCOUNT=50000,
 * KMP_BLOCKTIME=1 and OMP_NUM_THREADS in its environment. Both standard outputs may be written to: the last line goes
 * into the reason if the process ends.
 *
 * Errors. A library that does not load, lacks a function, refuses, is wrong or crashes is named with the reason in the
 * table, and the benchmark goes on. Functions must not throw.
 */
#ifndef TERNARY_PEER_H_
#define TERNARY_PEER_H_

#include <stdint.h>

#define TERNARY_PEER_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/**
 * What the peer is called in tables: implementation, commit, compiler and flags.
 * @return a line of UTF-8 that stays valid; never NULL
 */
TERNARY_PEER_API const char* ternary_peer_description(void);

/**
 * Makes Y = X * W^T * alpha ready: converts, packs and copies W as the peer has it. There may be many products at once,
 * also of the same W: they must not share its memory, because calls that go round them are to find it in no cache.
 *
 * @param w `[n, k]` of -1, 0, +1; the caller's again afterwards
 * @param n output features, at least 1
 * @param k input features, at least 1
 * @param alpha the scale of all weights, finite and above 0
 * @param threads the most that ternary_peer_run() may use, at least 1; the same in every call of a process
 * @return the product; NULL if the peer cannot do it, and ternary_peer_error() says why
 */
TERNARY_PEER_API void* ternary_peer_create(const int8_t* w, int64_t n, int64_t k, float alpha, int32_t threads);

/**
 * Computes Y = X * W^T * alpha. Called by one thread at a time, with any m in any order.
 *
 * @param peer from ternary_peer_create()
 * @param x `[m, k]`, finite; not to be written to
 * @param m rows, at least 1
 * @param y `[m, n]`, with any content before
 * @return 0, or something else, and ternary_peer_error() says why
 */
TERNARY_PEER_API int32_t ternary_peer_run(void* peer, const float* x, int64_t m, float* y);

/**
 * Frees a product and its weights.
 * @param peer from ternary_peer_create(); never NULL
 */
TERNARY_PEER_API void ternary_peer_free(void* peer);

/**
 * Why the last ternary_peer_create() or ternary_peer_run() of this thread failed.
 * @return a line of UTF-8, valid until this thread's next call; never NULL
 */
TERNARY_PEER_API const char* ternary_peer_error(void);

#ifdef __cplusplus
}
#endif

#endif
