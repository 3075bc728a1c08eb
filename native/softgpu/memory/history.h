/**
 * @file history.h
 * @brief What comes before what, among everything that is enqueued on devices: vector clocks.
 *
 * Operations lie on chains (a stream is a chain, and so is a path through a graph); those of one chain are numbered in
 * their order. A history says of every chain up to which number its operations are complete and their effects visible.
 */
#ifndef TERNARY_SOFTGPU_MEMORY_HISTORY_H_
#define TERNARY_SOFTGPU_MEMORY_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ternary::softgpu {

/** A place in the order; numbers start at 1. */
struct Moment {
  size_t chain = 0;
  uint64_t number = 0;
};

class History {
 public:
  bool contains(const Moment& moment) const {
    return moment.chain < seen_.size() && seen_[moment.chain] >= moment.number;
  }
  void add(const Moment& moment) {
    if (seen_.size() <= moment.chain) seen_.resize(moment.chain + 1);
    if (seen_[moment.chain] < moment.number) seen_[moment.chain] = moment.number;
  }
  void join(const History& other) {
    if (seen_.size() < other.seen_.size()) seen_.resize(other.seen_.size());
    for (size_t chain = 0; chain < other.seen_.size(); ++chain) {
      if (seen_[chain] < other.seen_[chain]) seen_[chain] = other.seen_[chain];
    }
  }

 private:
  std::vector<uint64_t> seen_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_MEMORY_HISTORY_H_
