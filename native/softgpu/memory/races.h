/**
 * @file races.h
 * @brief Operations that nothing orders and that touch the same bytes: scratch shared between streams, a missing
 *        griddepcontrol.wait, a host that reads before it has waited. And reads by the non-coherent path of what is
 *        written while the kernel runs, which caches may hold as it was before.
 */
#ifndef TERNARY_SOFTGPU_MEMORY_RACES_H_
#define TERNARY_SOFTGPU_MEMORY_RACES_H_

#include <deque>
#include <memory>
#include <string>

#include "softgpu/memory/access_log.h"
#include "softgpu/memory/history.h"

namespace ternary::softgpu {

/** An operation, or the part of a launch before or after its griddepcontrol.wait. */
struct Episode {
  std::string what;  ///< "kernel gemv before its griddepcontrol.wait"
  Moment moment;
  History before;
  History begun;  ///< what was complete when the launch began: of its part after the wait, less than `before`
  uint64_t launch = 0;
  std::unique_ptr<AccessLog> log;
};

class Races {
 public:
  /** Compares an episode with all that are neither before nor after it; and what it reads by ld.global.nc with all
   *  that was not complete when its launch began, itself among it. The sentence, or empty if there is no race. */
  std::string add(Episode episode);

  /** Forgets what comes before everything that can still be enqueued. */
  void forget(const History& host);

  void clear() {
    episodes_.clear();
    bytes_ = 0;
  }

 private:
  /** Reads of what is written between the beginning and the end of their launch. */
  static std::string stale_read(const Episode& episode, const Episode& other);
  void forget_oldest();

  std::deque<Episode> episodes_;
  uint64_t bytes_ = 0;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_MEMORY_RACES_H_
