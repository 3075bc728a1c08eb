#include "softgpu/exec/order.h"

#include <algorithm>

namespace ternary::softgpu {

Order::Order(size_t warps, size_t ctas)
    : warps_(warps),
      clocks_(warps + 2 * ctas),
      fenced_(clocks_.size()),
      observed_(clocks_.size()),
      touched_other_(clocks_.size()) {
  for (size_t agent = 0; agent < agents(); ++agent) {
    clocks_[agent].resize(kParts * agents());
    clocks_[agent][agent] = clocks_[agent][place(kInits, agent)] = 1;
  }
}

std::string Order::name(size_t agent) const {
  if (agent < warps_) return "warp " + std::to_string(agent) + " of the cluster";
  const size_t engine = agent - warps_;
  return (engine % 2 ? "the tensor core of CTA " : "the copy engine of CTA ") + std::to_string(engine / 2);
}

void Order::copy_part(size_t agent, Part from, Part to) {
  Clock& own = clocks_[agent];
  for (size_t i = 0; i < agents(); ++i) own[place(to, i)] = std::max(own[place(to, i)], own[place(from, i)]);
}

void Order::proxy_fence(size_t agent, bool shared, bool global) {
  if (shared) copy_part(agent, kAll, kSharedProxy);
  if (global) copy_part(agent, kAll, kGlobalProxy);
  ++clocks_[agent][agent];
}

void Order::tensor_fence_before(size_t agent) {
  copy_part(agent, kAll, kTensorFence);
  const Clock& own = clocks_[agent];
  Clock& fenced = fenced_[agent];
  fenced.resize(own.size(), 0);
  for (size_t i = place(kTensorFence, 0); i < own.size(); ++i) fenced[i] = std::max(fenced[i], own[i]);
  ++clocks_[agent][agent];
}

void Order::tensor_fence_after(size_t agent) {
  const Clock& observed = observed_[agent];
  Clock& own = clocks_[agent];
  if (observed.empty()) return;
  for (size_t i = 0; i < agents(); ++i) {
    uint32_t& known = own[place(kTensorFence, i)];
    known = std::max({known, observed[i], observed[place(kTensorFence, i)]});
  }
}

void Order::release_inits(size_t agent, Clock* clock) {
  Clock& own = clocks_[agent];
  const size_t first = place(kInits, 0);
  own[first + agent] = ++own[agent];
  clock->resize(own.size(), 0);
  for (size_t i = first; i < first + agents(); ++i) (*clock)[i] = std::max((*clock)[i], own[i]);
}

void Order::join(Clock* clock, const Clock& other) {
  if (clock->size() < other.size()) clock->resize(other.size(), 0);
  for (size_t i = 0; i < other.size(); ++i) (*clock)[i] = std::max((*clock)[i], other[i]);
}

void Order::release(size_t agent, Clock* clock) {
  Clock& own = clocks_[agent];
  join(clock, own);
  ++own[agent];
}

void Order::acquire(size_t agent, const Clock& clock) { join(&clocks_[agent], clock); }

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
