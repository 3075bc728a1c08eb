#include "softgpu/exec/order.h"

#include <algorithm>

namespace ternary::softgpu {

Order::Order(size_t agents) : clocks_(agents, Clock(agents, 0)) {
  for (size_t agent = 0; agent < agents; ++agent) clocks_[agent][agent] = 1;
}

void Order::release(size_t agent, Clock* clock) {
  Clock& own = clocks_[agent];
  clock->resize(own.size(), 0);
  for (size_t i = 0; i < own.size(); ++i) (*clock)[i] = std::max((*clock)[i], own[i]);
  ++own[agent];
}

void Order::acquire(size_t agent, const Clock& clock) {
  Clock& own = clocks_[agent];
  for (size_t i = 0; i < clock.size(); ++i) {
    if (i != agent) own[i] = std::max(own[i], clock[i]);
  }
}

void Order::meet(const std::vector<size_t>& agents) {
  Clock joined;
  for (size_t agent : agents) release(agent, &joined);
  for (size_t agent : agents) acquire(agent, joined);
}

}  // namespace ternary::softgpu
