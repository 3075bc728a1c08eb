/**
 * @file async_copy.h
 * @brief cp.async of a warp: copies that have been issued and not landed.
 */
#ifndef TERNARY_SOFTGPU_OPCODES_ASYNC_COPY_H_
#define TERNARY_SOFTGPU_OPCODES_ASYNC_COPY_H_

#include <cstdint>
#include <vector>

#include "softgpu/exec/warp.h"

namespace ternary::softgpu {

/**
 * One copy of 4, 8 or 16 bytes. Hardware reads the source at any time between issue and completion, so both ends are
 * looked at: the bytes are taken at issue, and must still be the same when the copy lands.
 */
struct AsyncCopy {
  const uint8_t* source;  ///< null if nothing is read
  uint32_t destination;   ///< in the shared memory of the warp's CTA
  uint32_t group;         ///< of its lane
  int line;               ///< of the PTX
  uint8_t lane, bytes, source_bytes;
  uint8_t taken[16];  ///< what will land
};

class AsyncCopies : public Extension {
 public:
  /** The warp's own, made when it is first asked for. */
  static AsyncCopies& of(Warp& warp);

  void issue(Warp& warp, AsyncCopy copy);
  /** Ends the current group of the lanes. */
  void commit(uint32_t mask);
  /** Lands what is older than the last `pending` groups that the lanes committed. */
  void wait_group(Warp& warp, uint32_t mask, uint32_t pending);
  /** Lands all, committed or not. */
  void wait_all(Warp& warp, uint32_t mask);
  /** Takes all copies of the lanes out of here: cp.async.mbarrier.arrive makes them the mbarrier's. */
  std::vector<AsyncCopy> take(uint32_t mask);

  static void land(Cta& cta, size_t agent, const AsyncCopy& copy);

 private:
  uint32_t group_[kWarpLanes] = {};  ///< the lane's group that is not committed yet
  std::vector<AsyncCopy> in_flight_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_OPCODES_ASYNC_COPY_H_
