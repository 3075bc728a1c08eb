/**
 * @file test_peer.c
 * @brief The smallest peer: no quantisation, one sum a product. Compiled once for each fault that `bench --peer` must
 * survive; PEER_right has none, and is also a template for a peer of one's own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ternary_peer.h"

struct product {
  int64_t n, k, number;
  float alpha;
  int8_t w[];
};

static _Thread_local char problem[128] = "nothing has failed";

const char* ternary_peer_description(void) { return "test peer, plain loops"; }

void* ternary_peer_create(const int8_t* w, int64_t n, int64_t k, float alpha, int32_t threads) {
#if PEER_refusing
  snprintf(problem, sizeof problem, "K is %lld, must be a multiple of 1000\nwith %d threads", (long long)k, threads);
  return NULL;
#endif
  if (threads < 1) {
    snprintf(problem, sizeof problem, "threads is %d, must be at least 1", threads);
    return NULL;
  }
  struct product* product = malloc(sizeof(struct product) + (size_t)(n * k));
  if (product == NULL) {
    snprintf(problem, sizeof problem, "no memory for %lld weights", (long long)(n * k));
    return NULL;
  }
  static int64_t made;
  product->number = made++;
  product->n = n;
  product->k = k;
  product->alpha = alpha;
  memcpy(product->w, w, (size_t)(n * k));
  return product;
}

#if !PEER_incomplete
int32_t ternary_peer_run(void* peer, const float* x, int64_t m, float* y) {
  const struct product* product = peer;
  for (int64_t row = 0; row < m; ++row) {
    for (int64_t n = 0; n < product->n; ++n) {
      float sum = 0;
      for (int64_t k = 0; k < product->k; ++k) sum += x[row * product->k + k] * (float)product->w[n * product->k + k];
      y[row * product->n + n] = sum * product->alpha;
    }
  }
#if PEER_wrong
  y[m * product->n - 1] += 1;
#elif PEER_copying
  if (product->number == 2) y[0] += 1;
#elif PEER_crashing
  if (m > 1) {
    printf("about to crash\n");
    volatile int* volatile nowhere = NULL;
    *nowhere = 1;
  }
#elif PEER_rowwise
  if (m > 1) {
    snprintf(problem, sizeof problem, "M is %lld, must be 1", (long long)m);
    return 1;
  }
#endif
  return 0;
}
#endif

void ternary_peer_free(void* peer) { free(peer); }

const char* ternary_peer_error(void) { return problem; }
