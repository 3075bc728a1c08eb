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

  void add(int lane, uint64_t item, const Issue& issue);
  void commit(uint32_t mask);
  /** Finishes what is older than the last `pending` groups that the lanes committed. */
  void wait(Warp& warp, uint32_t mask, uint32_t pending);

 private:
  struct Copy {
    int lane;
    uint32_t group;
    uint64_t item;  ///< of EngineWork
    Clock clock;
  };
  uint32_t group_[kWarpLanes] = {};  ///< the lane's group that is not committed yet
  std::vector<Copy> copies_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_BULK_GROUPS_H_
