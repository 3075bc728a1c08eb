#include "softgpu/exec/read_sets.h"

namespace ternary::softgpu {

ReadSets::Number ReadSets::add(Number set, const Reader& reader) {
  const Step step{set, reader.agent, reader.epoch};
  if (step == last_ && last_result_ != 0) return last_result_;
  last_ = step;
  const auto [found, made] = made_.emplace(step, set);
  if (made) {
    std::vector<Reader> readers;
    bool known = false;
    for (const Reader& other : sets_[set]) {
      known = known || (other.agent == reader.agent && other.epoch == reader.epoch);
      if (!before(other, reader.agent)) readers.push_back(other);
    }
    if (!known) {
      readers.push_back(reader);
      found->second = static_cast<Number>(sets_.size());
      sets_.push_back(std::move(readers));
    }
  }
  return last_result_ = found->second;
}

const ReadSets::Reader* ReadSets::unordered(Number set, size_t later) const {
  for (const Reader& reader : sets_[set]) {
    if (!before(reader, later)) return &reader;
  }
  return nullptr;
}

}  // namespace ternary::softgpu
