#include "softgpu/exec/warp.h"

#include <cstring>

namespace ternary::softgpu {

Warp::Warp(Cta& cta, int index, uint32_t living)
    : code_(cta.launch->config.code),
      cta_(&cta),
      index_(index),
      agent_(cta.rank * ((cta.launch->config.block.count() + kWarpLanes - 1) / kWarpLanes) + index),
      active_(living),
      living_(living),
      frame_((code_->frame_bytes + 63) / 64),
      local_(size_t{code_->local_bytes} * kWarpLanes) {
  // Registers hold anything at first, so a kernel that reads one before it writes it is not helped by zeros.
  std::memset(static_cast<void*>(frame_.data()), static_cast<int>(0x55 + cta.launch->config.seed % 128),
              frame_.size() * 64);
  banks_[Slot::frame] = frame_.empty() ? nullptr : frame_.data()->bytes;
  banks_[Slot::constants] = reinterpret_cast<uint8_t*>(const_cast<uint64_t*>(code_->constants.data()));
}

InstructionCounts& Warp::counts() { return worker_->counts[pc_]; }

void Warp::leave_split(uint32_t lanes, uint32_t pc, bool gathering, bool waiting) {
  for (Split& split : splits_) {
    if (split.pc != pc || split.gathering != gathering || split.waiting != waiting) continue;
    split.lanes |= lanes;
    return;
  }
  splits_.push_back({pc, lanes, gathering, waiting});
}

void Warp::jump(uint32_t mask, uint32_t target) {
  uint32_t others = active_ & ~mask;
  if (!others) {
    pc_ = target;
    return;
  }
  active_ = mask;
  leave_split(others, pc_ + 1, false, false);
  pc_ = target;
}

void Warp::jump_each(uint32_t mask, const uint32_t* targets) {
  if (uint32_t others = active_ & ~mask) leave_split(others, pc_ + 1, false, false);
  uint32_t first = targets[__builtin_ctz(mask)], stay = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    if (targets[lane] == first) {
      stay |= 1u << lane;
    } else {
      leave_split(1u << lane, targets[lane], false, false);
    }
  }
  active_ = stay;
  pc_ = first;
}

void Warp::exit_lanes(uint32_t mask) {
  living_ &= ~mask;
  active_ &= ~mask;
  for (Split& split : splits_) split.gathering = false;  // they may have waited for these lanes
  if (active_) ++pc_;  // else it stays for the report of a fault that the warp's end brings
}

}  // namespace ternary::softgpu
