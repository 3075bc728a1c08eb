#include "sass_tiles.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace ternary::test {
namespace {

/** "STTM.x8": registers that a thread stores to tensor memory. */
int stored_registers(const Instruction& i) {
  if (!begins(i.name, "STTM")) return 0;
  const size_t at = i.name.find(".x");
  return at == std::string::npos ? 1 : std::atoi(i.name.c_str() + at + 2);
}

int products(const Instruction& i) { return i.is_tensor() ? 1 : 0; }

int sum(const Instructions& code, const Loop& loop, const Ways::Count& count) {
  int all = 0;
  for (size_t i = loop.begin; i < loop.end; ++i) all += count(code[i]);
  return all;
}

/**
 * Of the loops with something to count, and that hold no such loop, the one with the most; of several the shortest. Where a
 * barrier's second try lies behind all code, its way back makes a loop of all that is in between.
 */
Loop innermost(const Instructions& code, const std::vector<Loop>& loops, const Ways::Count& count) {
  Loop best = {};
  int most = 0;
  for (const Loop& loop : loops) {
    const int counted = sum(code, loop, count);
    if (counted == 0 || counted < most) continue;
    if (std::any_of(loops.begin(), loops.end(),
                    [&](const Loop& other) { return loop.holds(other) && sum(code, other, count) > 0; })) {
      continue;
    }
    if (counted == most && loop.end - loop.begin >= best.end - best.begin) continue;
    most = counted;
    best = loop;
  }
  return best;
}

/** Reads or writes what kernels of a chain share: not shared memory, nor tensor memory. */
bool touches_tensors(const Instruction& i) {
  for (const char* start : {"LDG", "STG", "ATOMG", "RED.", "REDG", "UTMALDG", "UTMASTG", "UBLKCP"}) {
    if (begins(i.name, start)) return true;
  }
  return false;
}

}  // namespace

TileLoops tile_loops(const Instructions& code) {
  const std::vector<Loop> loops = Ways(code).loops();
  TileLoops found;
  found.decode = innermost(code, loops, stored_registers);
  found.weights = 2 * sum(code, found.decode, stored_registers);
  found.products = sum(code, innermost(code, loops, products), products);
  return found;
}

std::vector<Fault> tile_faults(const Instructions& code, bool pdl) {
  std::vector<Fault> faults;
  const auto has_one = [&](const auto& test) { return std::any_of(code.begin(), code.end(), test); };
  if (!has_one([](const Instruction& i) { return begins(i.name, "UTC") && i.is_tensor(); })) {
    faults.push_back({"promise", "has no tcgen05.mma (UTCHMMA, UTCIMMA): it was compiled to nothing"});
  }
  if (!pdl) return faults;
  const auto waits = [](const Instruction& i) { return i.name == "ACQBULK"; };
  if (!has_one(waits)) faults.push_back({"chain", "has no griddepcontrol.wait"});
  if (!has_one([](const Instruction& i) { return i.name == "PREEXIT"; })) {
    faults.push_back({"chain", "has no griddepcontrol.launch_dependents"});
  }
  const std::vector<bool> before_wait = Ways(code).before(waits);
  for (size_t i = 0; i < code.size(); ++i) {
    if (!before_wait[i] || !touches_tensors(code[i])) continue;
    std::ostringstream sentence;
    sentence << code[i].name << " at 0x" << std::hex << code[i].address << " may come before griddepcontrol.wait";
    faults.push_back({"chain", sentence.str()});
  }
  return faults;
}

}  // namespace ternary::test
