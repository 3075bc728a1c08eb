#include "sass_weights.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <optional>
#include <sstream>

namespace ternary::test {
namespace {

bool waits(const Instruction& i) { return i.name == "ACQBULK"; }
bool launches_dependents(const Instruction& i) { return i.name == "PREEXIT"; }
bool never(const Instruction&) { return false; }
int wide(const Instruction& i) { return i.wide_loads() + i.wide_copies(); }

/** The first-level cache of an SM is what q has of shared memory: weights, which are read once, go past it. */
bool fills_cache(const Instruction& i) {
  const bool past = i.is_copy() ? has(i.name, ".BYPASS") : has(i.name, ".NA.") || has(i.name, ".STRONG.GPU");
  return wide(i) > 0 && !past;
}

std::string place_of(const Instruction& i) {
  std::ostringstream text;
  text << i.name << " at 0x" << std::hex << i.address;
  return text.str();
}

/** Numbers of the registers in an operand list: "R12", not "UR4". */
std::vector<int> registers_of(const std::string& operands) {
  std::vector<int> registers;
  for (size_t at = 0; (at = operands.find('R', at)) != std::string::npos; ++at) {
    const bool begins_word = at == 0 || std::isalnum(static_cast<unsigned char>(operands[at - 1])) == 0;
    if (begins_word && std::isdigit(static_cast<unsigned char>(operands[at + 1])) != 0) {
      registers.push_back(std::atoi(operands.c_str() + at + 1));
    }
  }
  return registers;
}

/** Whether an instruction names one of the registers first ... first + count - 1. */
bool names(const std::vector<int>& registers, int first, int count) {
  return std::any_of(registers.begin(), registers.end(), [&](int r) { return first <= r && r < first + count; });
}

/**
 * Whether what a load brings is asked for by the same turn of the loop, with less than half of a turn's products in between.
 * Where ptxas copies registers at the end of a turn that is after nearly all of them, and as good as the next turn.
 */
bool is_used_at_once(const Instructions& code, const Loop& loop, size_t load, int turn_products) {
  const int first = registers_of(code[load].operands)[0], count = 4 * code[load].wide_loads();
  int products = 0;
  for (size_t i = load + 1; i < loop.end; ++i) {
    std::vector<int> registers = registers_of(code[i].operands);
    if (code[i].wide_loads() > 0) registers.erase(registers.begin());  // the other branch's load of the same tile
    if (names(registers, first, count)) return 2 * products < turn_products;
    products += code[i].is_product();
  }
  return false;
}

/** Loads of a turn to registers; of two branches' to one register the later counts. */
void measure_loads(const Instructions& code, const Loop& loop, WeightLoads& found) {
  std::map<int, size_t> loads;  // by the first register
  for (size_t i = loop.begin; i < loop.end; ++i) {
    if (code[i].wide_loads() > 0) loads[registers_of(code[i].operands).at(0)] = i;
  }
  for (const auto& [first, i] : loads) {
    found.of_turn += code[i].wide_loads();
    if (!is_used_at_once(code, loop, i, found.products)) found.ahead += code[i].wide_loads();
  }
}

/** Copies of a turn by cp.async, and the batches of them that are on their way. */
void measure_copies(const Instructions& code, const Loop& loop, WeightLoads& found) {
  const Ways ways(code);
  const auto most = [&](const Ways::Count& count) {  // up to the branch that closes the loop
    return std::max(0, ways.most(loop.begin, loop.end - 1, count, never));
  };
  found.of_turn = most([](const Instruction& i) { return i.wide_copies(); });
  const int batches = most([](const Instruction& i) { return i.name == "LDGDEPBAR" ? 1 : 0; });
  int open = 0;
  for (size_t i = loop.begin; i < loop.end; ++i) {
    if (code[i].name == "LDGDEPBAR") ++open;
    if (!begins(code[i].name, "DEPBAR")) continue;
    const size_t at = code[i].operands.rfind("0x");  // "SB0, 0x3"
    open = at == std::string::npos ? 0 : static_cast<int>(std::strtol(code[i].operands.c_str() + at, nullptr, 16));
  }
  if (batches > 0) found.ahead = static_cast<double>(open) * found.of_turn / batches;
}

struct LoopOfWeights {
  Loop loop;
  int products;
};

/** Of the loops that load and multiply and hold no such loop, the one with the most products; of several the shortest. */
std::optional<LoopOfWeights> loop_of_weights(const Instructions& code, const std::vector<Loop>& loops) {
  std::vector<LoopOfWeights> candidates;
  for (const Loop& loop : loops) {
    int products = 0, loads = 0;
    for (size_t i = loop.begin; i < loop.end; ++i) {
      products += code[i].is_product();
      loads += wide(code[i]);
    }
    if (products > 0 && loads > 0) candidates.push_back({loop, products});
  }
  std::optional<LoopOfWeights> best;
  for (const LoopOfWeights& one : candidates) {
    const bool holds_another = std::any_of(candidates.begin(), candidates.end(),
                                           [&](const LoopOfWeights& other) { return one.loop.holds(other.loop); });
    if (holds_another) continue;
    const auto length = [](const Loop& loop) { return loop.end - loop.begin; };
    if (!best || one.products > best->products ||
        (one.products == best->products && length(one.loop) < length(best->loop))) {
      best = one;
    }
  }
  return best;
}

/** `behind_wait`: it lets its dependents start only then, because they read before their own wait what this one waits for. */
void check_chain(const Instructions& code, const Ways& ways, bool behind_wait, std::vector<Fault>& faults) {
  const auto add = [&](const std::string& sentence) { faults.push_back({"chain", sentence}); };
  const std::vector<bool> before_wait = ways.before(waits), before_launch = ways.before(launches_dependents);
  bool has_wait = false, has_launch = false;
  for (size_t i = 0; i < code.size(); ++i) {
    has_wait = has_wait || waits(code[i]);
    has_launch = has_launch || launches_dependents(code[i]);
    if (before_wait[i] && code[i].is_product()) add(place_of(code[i]) + " may come before griddepcontrol.wait");
    if (behind_wait) {
      if (before_wait[i] && launches_dependents(code[i]))
        add(place_of(code[i]) + " may come before griddepcontrol.wait");
    } else if (before_launch[i] && (waits(code[i]) || code[i].is_product())) {
      add(place_of(code[i]) + " may come before griddepcontrol.launch_dependents");
    }
  }
  if (!has_wait) add("has no griddepcontrol.wait");
  if (!has_launch) add("has no griddepcontrol.launch_dependents");
}

/** A router asks for its matrix before the wait: to the cache, since registers for it would be too many. */
void check_prefetch(const Instructions& code, const Ways& ways, std::vector<Fault>& faults) {
  const std::vector<bool> early = ways.before(waits);
  for (size_t i = 0; i < code.size(); ++i) {
    if (early[i] && code[i].is_prefetch()) return;
  }
  faults.push_back({"prefetch", "prefetches nothing before griddepcontrol.wait"});
}

/**
 * What is loaded 16 bytes at a time before the wait, or after a product, is W: a kernel that makes q of X does so before
 * its first product.
 */
void check_cache(const Instructions& code, const std::vector<bool>& early, const std::vector<bool>& late,
                 std::vector<Fault>& faults) {
  int cached = 0;
  std::string first;
  for (size_t i = 0; i < code.size(); ++i) {
    if ((early[i] || late[i]) && fills_cache(code[i]) && ++cached == 1) first = place_of(code[i]);
  }
  if (cached > 0) {
    faults.push_back(
        {"cache", std::to_string(cached) + " loads of W do not go past the first-level cache, the first: " + first});
  }
}

}  // namespace

WeightLoads measure_weights(const Instructions& code, const CudaRow& row, bool pdl) {
  const Ways ways(code);
  const std::vector<Loop> loops = ways.loops();
  WeightLoads found;
  if (pdl) {
    found.early = std::max(0, ways.most(0, code.size(), wide, waits));
    check_chain(code, ways, row.stage == CudaStage::expert_rows, found.faults);
    if (row.stage == CudaStage::router) check_prefetch(code, ways, found.faults);
  }
  check_cache(code, pdl ? ways.before(waits) : std::vector<bool>(code.size(), false),
              ways.after([](const Instruction& i) { return i.is_product(); }), found.faults);
  const std::optional<LoopOfWeights> steady = loop_of_weights(code, loops);
  if (!steady) return found;
  found.products = steady->products;
  found.of_way = ways.most(
      steady->loop.begin, steady->loop.end - 1, [](const Instruction& i) { return i.is_product() ? 1 : 0; }, never);
  const auto begin = code.begin() + static_cast<std::ptrdiff_t>(steady->loop.begin);
  const auto end = code.begin() + static_cast<std::ptrdiff_t>(steady->loop.end);
  const bool to_registers = std::any_of(begin, end, [](const Instruction& i) { return i.wide_loads() > 0; });
  (to_registers ? measure_loads : measure_copies)(code, steady->loop, found);
  return found;
}

}  // namespace ternary::test
