#include "softgpu/code/opcode.h"

#include <stdexcept>
#include <string>
#include <unordered_map>

namespace ternary::softgpu {
namespace {

using Table = std::unordered_map<std::string, const OpcodeRow*>;

Table make_table() {
  Table table;
  for (const Family& family : {
           arithmetic_opcodes(),    integer_opcodes(),     logic_opcodes(),          compare_opcodes(),
           float_opcodes(),         convert_opcodes(),     move_opcodes(),           memory_opcodes(),
           control_opcodes(),       mma_opcodes(),         matrix_opcodes(),         shuffle_opcodes(),
           atomic_opcodes(),        async_copy_opcodes(),  mbarrier_opcodes(),       bulk_copy_opcodes(),
           bulk_group_opcodes(),    tensor_copy_opcodes(), launch_control_opcodes(), tensor_alloc_opcodes(),
           tensor_access_opcodes(), tensor_mma_opcodes(),  cluster_opcodes(),        hint_opcodes(),
           barrier_opcodes(),
       }) {
    for (size_t i = 0; i < family.count; ++i) {
      if (!table.emplace(family.rows[i].name, &family.rows[i]).second) {
        throw std::logic_error(std::string("two rows for opcode ") + family.rows[i].name);
      }
    }
  }
  return table;
}

}  // namespace

const OpcodeRow* find_opcode(const ptx::Instruction& instruction, size_t* name_parts) {
  static const Table table = make_table();
  std::string name = instruction.opcode;
  const OpcodeRow* best = nullptr;
  for (size_t parts = 1;; ++parts) {
    auto found = table.find(name);
    if (found != table.end()) {
      best = found->second;
      *name_parts = parts;
    }
    if (parts > instruction.modifiers.size()) return best;
    name += "." + instruction.modifiers[parts - 1];
  }
}

}  // namespace ternary::softgpu
