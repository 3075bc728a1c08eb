/**
 * @file sass_ways.h
 * @brief The ways that a thread may take through a kernel's machine code.
 */
#ifndef TERNARY_TOOLS_SASS_WAYS_H_
#define TERNARY_TOOLS_SASS_WAYS_H_

#include <cstddef>
#include <functional>
#include <vector>

#include "sass_instruction.h"

namespace ternary::test {

/** [begin, end) of a backward branch's target and the branch. */
struct Loop {
  size_t begin, end;

  bool holds(const Loop& other) const {
    return begin <= other.begin && other.end <= end && (begin != other.begin || end != other.end);
  }
};

class Ways {
 public:
  using Test = std::function<bool(const Instruction&)>;
  using Count = std::function<int(const Instruction&)>;

  explicit Ways(const Instructions& code);

  /** Which instructions may be executed before one that `stops`; that one too, but none behind it. */
  std::vector<bool> before(const Test& stops) const;

  /** Which instructions may be executed after one that `starts`; that one only if it comes again. */
  std::vector<bool> after(const Test& starts) const;

  /**
   * The most that `count` says of the instructions of a way from `begin` to one that `stops`, or to place `end`. Each counts
   * once, however often it is in a loop. -1: no way leads there.
   */
  int most(size_t begin, size_t end, const Count& count, const Test& stops) const;

  /** By the addresses of their branches. */
  std::vector<Loop> loops() const;

 private:
  static constexpr int kNoWay = -1;

  /** Where a branch goes; code.size() if this is none. */
  size_t target(size_t i) const;
  std::vector<size_t> next(size_t i) const;
  std::vector<bool> reached_from(std::vector<size_t> open, const Test& stops) const;

  const Instructions& code_;
};

}  // namespace ternary::test

#endif  // TERNARY_TOOLS_SASS_WAYS_H_
