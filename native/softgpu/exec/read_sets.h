/**
 * @file read_sets.h
 * @brief Who read a word since it was last written, and when: sets that words share.
 *
 * Epochs of two agents say nothing of each other, so each reader has its own. A set is made once: neighbouring words are
 * mostly read by the same agents at the same time.
 */
#ifndef TERNARY_SOFTGPU_EXEC_READ_SETS_H_
#define TERNARY_SOFTGPU_EXEC_READ_SETS_H_

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "softgpu/exec/order.h"

namespace ternary::softgpu {

class ReadSets {
 public:
  struct Reader {
    size_t agent;
    uint32_t epoch;
    int line;  ///< of the PTX
  };
  /** The number of a set; 0 is the empty one. */
  using Number = uint32_t;

  /** `tensor`: of tensor memory, where tcgen05.fence orders. */
  ReadSets(const Order* order, bool tensor) : order_(order), tensor_(tensor), sets_(1) {}

  /** The set with one reader more; readers that come before it are left out, for who comes after it comes after them. */
  Number add(Number set, const Reader& reader);
  /** A reader that does not come before what `later` does next; null if all do. */
  const Reader* unordered(Number set, size_t later) const;

 private:
  using Step = std::tuple<Number, size_t, uint32_t>;  ///< set, agent, epoch

  bool before(const Reader& reader, size_t later) const {
    return tensor_ ? order_->before_in_tensor_memory(reader.agent, reader.epoch, later)
                   : order_->before(reader.agent, reader.epoch, later);
  }

  const Order* order_;
  bool tensor_;
  std::vector<std::vector<Reader>> sets_;
  std::map<Step, Number> made_;
  Step last_{};
  Number last_result_ = 0;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_READ_SETS_H_
