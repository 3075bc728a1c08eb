#include "softgpu/exec/order.h"

#include <algorithm>

namespace ternary::softgpu {

namespace {

void join(Clock* clock, const Clock& other) {
  clock->resize(std::max(clock->size(), other.size()), 0);
  for (size_t i = 0; i < other.size(); ++i) (*clock)[i] = std::max((*clock)[i], other[i]);
}

}  // namespace

Order::Order(size_t agents) : clocks_(agents, Clock(agents, 0)), fenced_(agents), touched_other_(agents) {
  for (size_t agent = 0; agent < agents; ++agent) clocks_[agent][agent] = 1;
}

void Order::release(size_t agent, Clock* clock) {
  join(clock, clocks_[agent]);
  ++clocks_[agent][agent];
}

void Order::acquire(size_t agent, const Clock& clock) {
  Clock& own = clocks_[agent];
  for (size_t i = 0; i < clock.size(); ++i) {
    if (i != agent) own[i] = std::max(own[i], clock[i]);
    own[agent] = std::max(own[agent], clock[i] + 1);
  }
}

void Order::meet(const std::vector<size_t>& agents) {
  Clock joined;
  for (size_t agent : agents) release(agent, &joined);
  for (size_t agent : agents) acquire(agent, joined);
}

void Order::fence(size_t agent) {
  touched_other_[agent] = false;
  release(agent, &fenced_[agent]);
}

void Order::fence_own_shared(size_t agent) {
  if (!touched_other_[agent]) release(agent, &fenced_[agent]);
}

void Order::release_fenced(size_t agent, Clock* clock) const { join(clock, fenced_[agent]); }

}  // namespace ternary::softgpu
