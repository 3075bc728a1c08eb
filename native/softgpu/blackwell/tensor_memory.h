/**
 * @file tensor_memory.h
 * @brief Tensor memory of a CTA: 128 lanes by 512 columns of 32 bits, given out by columns.
 *
 * A tensor memory address is lane << 16 | column. Who may touch what when is kept by 16 lanes of a column, for nothing
 * uses fewer.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_TENSOR_MEMORY_H_
#define TERNARY_SOFTGPU_BLACKWELL_TENSOR_MEMORY_H_

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <vector>

#include "softgpu/blackwell/engine.h"

namespace ternary::softgpu {

/** Lanes and columns of one access; lanes are a multiple of 16. */
struct TensorArea {
  uint32_t lane = 0, lanes = 0, column = 0, columns = 0;
};

class TensorMemory : public Extension {
 public:
  static constexpr uint32_t kLanes = 128, kUnit = 32;

  static TensorMemory& of(Cta& cta);
  explicit TensorMemory(Cta& cta);

  uint32_t& at(uint32_t lane, uint32_t column) { return cells_[lane * kTensorColumns + column]; }

  /** Columns for the CTA, or for both of a pair, at the same place; `unit` of the place is a column. */
  bool allocate(uint32_t columns, bool pair, uint32_t* column);
  void free(Warp& warp, uint32_t column, uint32_t columns);
  void relinquish() { relinquished_ = true; }
  void at_end() override;

  /** Who has issued a product into an accumulator. */
  struct Issuer {
    size_t warp;
    uint32_t epoch;  ///< the warp's
    size_t engine;
    uint32_t engine_epoch;
  };
  /** The next product into the accumulator at `address`: of another warp than the one before only if that one's end was
   *  waited for, or if tcgen05.fence orders the two. */
  void follow(uint32_t address, const Issuer& issuer);

  // An agent, warp or tensor core, uses an area from begin to end; see SharedMemory.
  void begin_read(size_t agent, const TensorArea& area, int line);
  void end_read(size_t agent, uint32_t epoch, const TensorArea& area, int line);
  void begin_write(size_t agent, const TensorArea& area, int line);
  void end_write(size_t agent, uint32_t epoch, const TensorArea& area, int line);

 private:
  using Columns = std::bitset<kTensorColumns / kUnit>;
  /** Throws Fault if it is not the CTA's. */
  void check(const TensorArea& area) const;
  template <typename Visit>
  void each_stretch(const TensorArea& area, Visit visit);
  bool find_place(uint32_t columns, const Columns& taken, uint32_t* column) const;
  void take(uint32_t columns, uint32_t column);

  Cta& cta_;
  std::vector<uint32_t> cells_;
  SharedMemory track_;
  Columns allocated_;
  std::map<uint32_t, Issuer> issuers_;   ///< by accumulator
  uint32_t last_size_ = kTensorColumns;  ///< no allocation may be larger than the one before
  bool relinquished_ = false;
  /// Of the pair's leader: who has come to allocate for both, and who has been given a place and not seen it.
  std::array<bool, 2> arrived_{}, granted_{};
  uint32_t granted_column_ = 0;
};

/** The even CTA of the pair that `cta` is of. */
Cta& leader_of(Cta& cta);
/** The other CTA of its pair; a fault if the cluster has none. */
Cta& peer_of(Cta& cta);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_TENSOR_MEMORY_H_
