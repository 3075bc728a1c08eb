/**
 * Where registers lie. nvcc writes each value to a register of its own, thousands in an unrolled kernel; in as many
 * places a warp would not fit the host's L1 cache.
 */
#include <algorithm>

#include "softgpu/decode/function_decoder.h"

namespace ternary::softgpu {
namespace {

uint32_t place_bytes(int bits) { return bits == 1 ? 4 : bits <= 32 ? 128 : bits == 64 ? 256 : 512; }

class BitSet {
 public:
  explicit BitSet(size_t size) : words_((size + 63) / 64) {}
  void set(size_t i) { words_[i / 64] |= uint64_t{1} << i % 64; }
  void clear(size_t i) { words_[i / 64] &= ~(uint64_t{1} << i % 64); }
  bool get(size_t i) const { return words_[i / 64] >> i % 64 & 1; }
  /** this = this | other; true if it grew. */
  bool join(const BitSet& other) {
    uint64_t grown = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      grown |= other.words_[i] & ~words_[i];
      words_[i] |= other.words_[i];
    }
    return grown != 0;
  }
  template <class F>
  void each(F f) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t rest = words_[i]; rest; rest &= rest - 1) f(i * 64 + static_cast<size_t>(__builtin_ctzll(rest)));
    }
  }

 private:
  std::vector<uint64_t> words_;
};

struct Block {
  uint32_t begin, end;
  std::vector<uint32_t> next;
};

/** Successors of an instruction other than the one after it. */
std::vector<uint32_t> targets_of(const Instruction& instruction) {
  const std::string& opcode = instruction.source->opcode;
  if (opcode == "bra") return {instruction.target};
  if (opcode == "ret" && instruction.target) return {instruction.target};
  if (opcode == "brx") return *static_cast<const std::vector<uint32_t>*>(instruction.detail);
  return {};
}

std::vector<Block> make_blocks(const Code& code) {
  uint32_t count = static_cast<uint32_t>(code.instructions.size());
  std::vector<bool> starts(count + 1, false);
  starts[0] = true;
  for (uint32_t pc = 0; pc < count; ++pc) {
    const std::string& opcode = code.instructions[pc].source->opcode;
    if (opcode != "bra" && opcode != "brx" && opcode != "ret" && opcode != "exit") continue;
    starts[pc + 1] = true;
    for (uint32_t target : targets_of(code.instructions[pc])) starts[target] = true;
  }
  std::vector<Block> blocks;
  std::vector<uint32_t> block_of(count + 1, 0);
  for (uint32_t pc = 0; pc < count; ++pc) {
    if (starts[pc]) blocks.push_back({pc, pc, {}});
    block_of[pc] = static_cast<uint32_t>(blocks.size() - 1);
    blocks.back().end = pc + 1;
  }
  for (Block& block : blocks) {
    // Also after an unguarded branch: another split of the warp may run what follows while this one's values must stay.
    if (block.end < count) block.next.push_back(block_of[block.end]);
    for (uint32_t target : targets_of(code.instructions[block.end - 1])) {
      if (target < count) block.next.push_back(block_of[target]);
    }
  }
  return blocks;
}

}  // namespace

/**
 * A register lives from its first to its last instruction in the order of the text, stretched over every loop that it
 * is alive around. So lanes that are elsewhere in the text cannot lose values to registers of lanes that are here: a
 * place is shared only by registers whose stretches do not meet, and a write concerns only the lanes that execute it.
 */
RegisterPlaces allocate_registers(const Code& code, const std::vector<RegisterUse>& uses,
                                  const std::vector<uint16_t>& register_bits) {
  size_t registers = register_bits.size();
  uint32_t count = static_cast<uint32_t>(code.instructions.size());
  std::vector<std::vector<RegisterUse>> by_pc(count);
  std::vector<uint32_t> first(registers, count), last(registers, 0);
  for (const RegisterUse& use : uses) {
    by_pc[use.pc].push_back(use);
    first[use.number] = std::min(first[use.number], use.pc);
    last[use.number] = std::max(last[use.number], use.pc);
  }
  // Liveness of blocks. A write never ends it upwards unless it is certain, so only unguarded ones do.
  std::vector<Block> blocks = make_blocks(code);
  std::vector<BitSet> live_in(blocks.size(), BitSet(registers));
  bool changed = true;
  while (changed) {
    changed = false;
    for (size_t b = blocks.size(); b-- > 0;) {
      BitSet live(registers);
      for (uint32_t next : blocks[b].next) live.join(live_in[next]);
      for (uint32_t pc = blocks[b].end; pc-- > blocks[b].begin;) {
        if (!code.instructions[pc].guarded) {
          for (const RegisterUse& use : by_pc[pc]) {
            if (use.written) live.clear(use.number);
          }
        }
        for (const RegisterUse& use : by_pc[pc]) {
          if (!use.written) live.set(use.number);
        }
      }
      changed |= live_in[b].join(live);
    }
  }
  for (size_t b = 0; b < blocks.size(); ++b) {
    live_in[b].each([&](size_t number) {
      first[number] = std::min(first[number], blocks[b].begin);
      last[number] = std::max(last[number], blocks[b].begin);
    });
    for (uint32_t next : blocks[b].next) {
      live_in[next].each([&](size_t number) { last[number] = std::max(last[number], blocks[b].end - 1); });
    }
  }
  // Stretches in order of their begin, each into a place of its width that is free.
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < registers; ++i) {
    if (first[i] < count) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return first[a] < first[b]; });
  RegisterPlaces places;
  places.offsets.assign(registers, 0);
  std::map<uint32_t, std::vector<uint32_t>> free;
  std::vector<std::vector<uint32_t>> ending(count + 1);
  uint32_t done = 0;
  for (uint32_t number : order) {
    for (; done < first[number]; ++done) {
      for (uint32_t ended : ending[done]) free[place_bytes(register_bits[ended])].push_back(places.offsets[ended]);
    }
    uint32_t bytes = place_bytes(register_bits[number]);
    std::vector<uint32_t>& candidates = free[bytes];
    if (!candidates.empty()) {
      places.offsets[number] = candidates.back();
      candidates.pop_back();
    } else {
      if (bytes >= 64) places.bytes = (places.bytes + 63) / 64 * 64;
      places.offsets[number] = places.bytes;
      places.bytes += bytes;
    }
    ending[last[number]].push_back(number);
  }
  places.bytes = (places.bytes + 63) / 64 * 64;
  return places;
}

}  // namespace ternary::softgpu
