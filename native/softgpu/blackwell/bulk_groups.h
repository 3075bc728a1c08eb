/**
 * @file bulk_groups.h
 * @brief Bulk groups: what cp.async.bulk took out of shared memory, and who has waited for it.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_BULK_GROUPS_H_
#define TERNARY_SOFTGPU_BLACKWELL_BULK_GROUPS_H_

#include <vector>

#include "softgpu/blackwell/engine.h"

namespace ternary::softgpu {

/** Of a warp, each lane for itself. */
class BulkGroups : public Extension {
 public:
  static BulkGroups& of(Warp& warp);

  /** A copy that these lanes began. `reading` of shared memory, `writing` of global memory. */
  void add(uint32_t lanes, uint64_t item, const Issue& reading, const Issue& writing);
  void commit(uint32_t mask);
  /** Finishes what is older than the last `pending` groups that the lanes committed; with `reads_alone` the lanes know of
   *  the reads only. */
  void wait(Warp& warp, uint32_t mask, uint32_t pending, bool reads_alone);

 private:
  struct Copy {
    uint32_t lanes;  ///< that have not waited for its end
    uint32_t group;
    uint64_t item;        ///< of EngineWork
    Clock read, written;  ///< what comes before the end of either
  };
  uint32_t group_[kWarpLanes] = {};  ///< the lane's group that is not committed yet
  std::vector<Copy> copies_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_BULK_GROUPS_H_
