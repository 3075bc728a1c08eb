#include "sass_ways.h"

#include <algorithm>
#include <cstdlib>

namespace ternary::test {
namespace {

bool ends(const Instruction& i) { return begins(i.name, "EXIT") || begins(i.name, "RET") || begins(i.name, "KILL"); }

/** Indirect jumps are those of switches over types of X, all behind the wait: nobody asks for a way through them. */
bool jumps_anywhere(const Instruction& i) { return begins(i.name, "BRX") || begins(i.name, "JMX"); }

/** "@P0 BRA 0x10", and "BRA P2, 0x10" or "BRA.DIV UR4, 0x10", which have no guard. */
bool may_fall_through(const Instruction& branch) {
  return !branch.guard.empty() || branch.operands.find_first_not_of(' ') != branch.operands.rfind("0x");
}

}  // namespace

Ways::Ways(const Instructions& code) : code_(code) {}

size_t Ways::target(size_t i) const {
  const size_t at = code_[i].operands.rfind("0x");
  if (!begins(code_[i].name, "BRA") || at == std::string::npos) return code_.size();
  const uint64_t address = std::strtoull(code_[i].operands.c_str() + at, nullptr, 16);
  const auto found = std::lower_bound(code_.begin(), code_.end(), address,
                                      [](const Instruction& x, uint64_t wanted) { return x.address < wanted; });
  return static_cast<size_t>(found - code_.begin());
}

std::vector<size_t> Ways::next(size_t i) const {
  std::vector<size_t> places;
  const size_t to = target(i);
  if (to < code_.size()) places.push_back(to);
  const bool stays = begins(code_[i].name, "BRA")
                         ? may_fall_through(code_[i])
                         : !(ends(code_[i]) && code_[i].guard.empty()) && !jumps_anywhere(code_[i]);
  if (stays && i + 1 < code_.size()) places.push_back(i + 1);
  return places;
}

std::vector<bool> Ways::reached_from(std::vector<size_t> open, const Test& stops) const {
  std::vector<bool> reached(code_.size(), false);
  while (!open.empty()) {
    const size_t i = open.back();
    open.pop_back();
    if (reached[i]) continue;
    reached[i] = true;
    if (stops(code_[i])) continue;
    for (const size_t place : next(i)) open.push_back(place);
  }
  return reached;
}

std::vector<bool> Ways::before(const Test& stops) const {
  return reached_from(code_.empty() ? std::vector<size_t>{} : std::vector<size_t>{0}, stops);
}

std::vector<bool> Ways::after(const Test& starts) const {
  std::vector<size_t> open;
  for (size_t i = 0; i < code_.size(); ++i) {
    if (!starts(code_[i])) continue;
    for (const size_t place : next(i)) open.push_back(place);
  }
  return reached_from(open, [](const Instruction&) { return false; });
}

int Ways::most(size_t begin, size_t end, const Count& count, const Test& stops) const {
  constexpr int kUnknown = -2;
  std::vector<int> known(code_.size() + 1, kUnknown);
  std::function<int(size_t)> from = [&](size_t i) {
    if (i == end) return 0;
    if (known[i] != kUnknown) return known[i];
    known[i] = kNoWay;  // what comes back here while its ways are looked at is a loop
    int best = kNoWay;
    if (stops(code_[i])) {
      best = 0;
    } else {
      for (const size_t place : next(i)) best = std::max(best, from(place));
    }
    return known[i] = best == kNoWay ? kNoWay : best + count(code_[i]);
  };
  return begin < code_.size() ? from(begin) : kNoWay;
}

std::vector<Loop> Ways::loops() const {
  std::vector<Loop> loops;
  for (size_t i = 0; i < code_.size(); ++i) {
    const size_t to = target(i);
    if (to < i) loops.push_back({to, i + 1});  // a branch to itself ends the function's padding
  }
  return loops;
}

}  // namespace ternary::test
