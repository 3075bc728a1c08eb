/**
 * @file panel_gemm.h
 * @brief A16 products whose sums stay in registers: some rows of X by some panels of W at a time; include a lanes header
 * first.
 */
#ifndef TERNARY_CPU_FRAME_PANEL_GEMM_H_
#define TERNARY_CPU_FRAME_PANEL_GEMM_H_

#include "cpu/frame/gemm.h"

namespace ternary::cpu {
namespace {

/** Floats from one row of sums to the next: a multiple of whatever panels() says. */
constexpr int64_t kPanelSums = 320;

/**
 * A Micro. `Dot` has
 *   kRows          the most rows of X that its registers hold
 *   panels(rows)   panels beside each other with so many rows: few rows need more to have enough sums in flight
 *   add<rows, panels>(patch, panel, k_begin, k_end, sums)  adds the products of the patch's rows and of panels
 *                  panel ... panel + panels to sums [rows][kPanelSums]
 */
template <class Dot>
struct PanelGemm {
  using Sum = float;
  static constexpr int64_t kRows = Dot::kRows, kColumns = kPanelSums, kDecodedBytes = 0;

  static void accumulate(const Patch& patch, int64_t k_begin, int64_t k_end, float* sums, void*) {
    add_rows<Dot::kRows>(patch, k_begin, k_end, sums);
  }

 private:
  /** Calls the instantiation for the patch's rows, of which there are at most kMost. */
  template <int kMost>
  static void add_rows(const Patch& patch, int64_t k_begin, int64_t k_end, float* sums) {
    if constexpr (kMost > 1) {
      if (patch.rows < kMost) return add_rows<kMost - 1>(patch, k_begin, k_end, sums);
    }
    add_panels<kMost, Dot::panels(kMost)>(patch, 0, k_begin, k_end, sums);
  }

  /** The panels from `panel`: kPanels at a time, then the rest. */
  template <int kActive, int kPanels>
  static void add_panels(const Patch& patch, int64_t panel, int64_t k_begin, int64_t k_end, float* sums) {
    for (; panel + kPanels <= patch.panels; panel += kPanels) {
      Dot::template add<kActive, kPanels>(patch, panel, k_begin, k_end, sums + 16 * panel);
    }
    if constexpr (kPanels > 1) {
      if (panel < patch.panels) add_panels<kActive, kPanels / 2>(patch, panel, k_begin, k_end, sums);
    }
  }
};

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_FRAME_PANEL_GEMM_H_
