/**
 * @file cuda_share.h
 * @brief How a GEMV of a GPU shares out its panels: its plan and the cost model ask the same function.
 */
#ifndef TERNARY_ABI_CUDA_SHARE_H_
#define TERNARY_ABI_CUDA_SHARE_H_

#include <cstdint>

#include "abi/cuda_rows.h"
#include "abi/dtype.h"

namespace ternary {

/** A GEMV whose CTAs stay and take sets of panels in turn. */
struct CudaGemvWork {
  int major;         ///< compute capability
  int64_t sm_count;  ///< of the device
  int64_t ctas;      ///< of an SM
  int64_t panels;    ///< of 16 rows of W
  int64_t turns;     ///< of a split's part of K, in tiles that a warp has on its way: what its warps share
  int64_t turn_tiles;
  int64_t splits;
};

/** Rounds of panel sets until the last CTA has ended, in half turns of a warp: the end of a set costs one. */
constexpr int64_t cuda_gemv_half_turns(const CudaGemvWork& w, int64_t k_warps) {
  const int64_t places = w.sm_count * w.ctas / w.splits;
  const int64_t sets = ceil_div(w.panels, kGemvWarps / k_warps);
  return ceil_div(sets, places > 1 ? places : 1) * (2 * ceil_div(w.turns, k_warps) + 1);
}

/**
 * Warps of a CTA that share K of a panel, a power of two: as many as an SM needs to keep its memory pipeline full, and more
 * where sets of fewer panels leave less of the device idle in the last round. 28672 x 4096 has 1792 panels: as sets of
 * eight, 216 CTAs of an A100 take two rounds for 224 sets; as sets of one, nine for 1792.
 */
constexpr int cuda_gemv_k_warps(const CudaGemvWork& w) {
  const int64_t most = w.turns < kGemvWarps ? w.turns : kGemvWarps;
  int64_t k_warps = 1;
  while (2 * k_warps <= most && w.panels * w.splits * k_warps < cuda_busy_warps(w.major, w.turn_tiles) * w.sm_count) {
    k_warps *= 2;
  }
  for (int64_t more = 2 * k_warps; more <= most; more *= 2) {
    if (cuda_gemv_half_turns(w, more) < cuda_gemv_half_turns(w, k_warps)) k_warps = more;
  }
  return static_cast<int>(k_warps);
}

}  // namespace ternary

#endif  // TERNARY_ABI_CUDA_SHARE_H_
