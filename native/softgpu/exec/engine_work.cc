#include "softgpu/exec/engine_work.h"

#include <string>

#include "softgpu/code/fault.h"

namespace ternary::softgpu {
namespace {

/** Under a lazy schedule a warp that polls without ever suspending gets an answer after so many of its turns. */
constexpr uint32_t kPatience = 64;

}  // namespace

bool EngineWork::is_first(size_t index) const {
  const Item& item = items_[index].item;
  if (item.engine == Engine::copy) return true;
  for (size_t i = 0; i < index; ++i) {
    if (items_[i].item.engine == Engine::tensor_core && items_[i].item.by == item.by) return false;
  }
  return true;
}

bool EngineWork::is_prompt(const Item& item) const {
  switch (schedule_) {
    case Schedule::eager: return true;
    case Schedule::late_mma: return item.engine == Engine::copy;
    case Schedule::late_copies: return item.engine == Engine::tensor_core;
    default: return false;
  }
}

void EngineWork::run(size_t index) {
  const Item item = std::move(items_[index].item);
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(index));
  ++events;
  try {
    item.run();
  } catch (Fault& fault) {
    throw Fault(fault.kind, std::string(fault.what()) + " (what PTX line " + std::to_string(item.line) + " began)",
                fault.lane);
  }
}

/** One of those that `wanted` holds for and that are first, chosen at random. */
bool EngineWork::run_one(const std::function<bool(const Item&)>& wanted) {
  std::vector<size_t> ready;
  for (size_t i = 0; i < items_.size(); ++i) {
    if (wanted(items_[i].item) && is_first(i)) ready.push_back(i);
  }
  if (ready.empty()) return false;
  run(ready[(*random_)() % ready.size()]);
  return true;
}

uint64_t EngineWork::add(Item item) {
  items_.push_back({next_, std::move(item)});
  if (is_prompt(items_.back().item) && is_first(items_.size() - 1)) run(items_.size() - 1);
  return next_++;
}

bool EngineWork::tick() {
  if (items_.empty()) return false;
  const uint64_t before = events;
  if (schedule_ == Schedule::random) {
    while ((*random_)() % 4 == 0 && advance()) {
    }
  }
  while (run_one([this](const Item& item) { return is_prompt(item); })) {
  }
  if (++idle_ticks_ % kPatience == 0) advance();
  return events != before;
}

bool EngineWork::advance() {
  return run_one([](const Item&) { return true; });
}

void EngineWork::finish(uint64_t number) {
  for (size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].number != number) continue;
    run(i);
    return;
  }
}

void EngineWork::finish_all() {
  while (advance()) {
  }
}

void EngineWork::check_end(const Cta& cta) const {
  for (const Numbered& one : items_) {
    for (const Cta* touched : one.item.touches) {
      if (touched != &cta) continue;
      const char* what = one.item.engine == Engine::copy ? "copies" : "tensor core operations";
      throw Fault(FaultKind::illegal, std::string("the CTA ends while ") + what + " of PTX line " +
                                          std::to_string(one.item.line) + " are in flight");
    }
  }
}

}  // namespace ternary::softgpu
