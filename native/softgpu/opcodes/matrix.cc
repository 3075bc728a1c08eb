// ldmatrix and stmatrix of 8 x 8 matrices of 16-bit elements, and movmatrix.
#include <cstring>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/warp.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

/** Row and element of the low and the high half of a lane's register: fragments are rows 2 * t, 2 * t + 1 of row g. */
struct Halves {
  int row[2], column[2];
};
Halves halves_of(int lane, bool transposed) {
  const int g = lane >> 2, t = lane & 3;
  if (transposed) return {{2 * t, 2 * t + 1}, {g, g}};
  return {{g, g}, {2 * t, 2 * t + 1}};
}

void need_all_lanes(uint32_t mask, const char* name) {
  if (mask != kAllLanes) throw Fault(FaultKind::divergence, std::string(name) + " without all 32 lanes of the warp");
}

/** Addresses of the rows of all matrices: lane 8 * m + i has row i of matrix m; the other lanes' count for nothing. */
struct Rows {
  uint64_t address[32];
  uint8_t* bytes[32];
};

void find_rows(Warp& warp, const Instruction& instruction, int matrices, Access kind, Rows* rows) {
  warp.addresses(instruction, instruction.address[0], rows->address);
  for (int lane = 0; lane < 8 * matrices; ++lane) {
    const Place place = warp.place(instruction.address[0].space, rows->address[lane], lane);
    if (place.space != Space::shared) {
      throw Fault(FaultKind::address, "the address of a matrix row is not in shared memory", lane);
    }
    rows->bytes[lane] = warp.access(place, 16, kind, lane);
  }
  const uint32_t lanes = matrices == 4 ? kAllLanes : (1u << (8 * matrices)) - 1;
  warp.count_access(Space::shared, lanes, rows->address, 16);
}

Step execute_ldmatrix(Warp& warp, const Instruction& instruction, uint32_t mask) {
  need_all_lanes(mask, "ldmatrix");
  const int matrices = static_cast<int>(instruction.b);
  Rows rows;
  find_rows(warp, instruction, matrices, Access::read, &rows);
  for (int m = 0; m < matrices; ++m) {
    uint32_t* words = warp.lanes<uint32_t>(instruction.op[m]);
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      const Halves at = halves_of(lane, instruction.c != 0);
      uint16_t halves[2];
      for (int i = 0; i < 2; ++i) std::memcpy(&halves[i], rows.bytes[8 * m + at.row[i]] + 2 * at.column[i], 2);
      words[lane] = halves[0] | static_cast<uint32_t>(halves[1]) << 16;
    }
  }
  return Step::next;
}

Step execute_stmatrix(Warp& warp, const Instruction& instruction, uint32_t mask) {
  need_all_lanes(mask, "stmatrix");
  const int matrices = static_cast<int>(instruction.b);
  Rows rows;
  find_rows(warp, instruction, matrices, Access::write, &rows);
  for (int m = 0; m < matrices; ++m) {
    const uint32_t* words = warp.lanes<uint32_t>(instruction.op[m]);
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      const Halves at = halves_of(lane, instruction.c != 0);
      const uint16_t halves[2] = {static_cast<uint16_t>(words[lane]), static_cast<uint16_t>(words[lane] >> 16)};
      for (int i = 0; i < 2; ++i) std::memcpy(rows.bytes[8 * m + at.row[i]] + 2 * at.column[i], &halves[i], 2);
    }
  }
  return Step::next;
}

Step execute_movmatrix(Warp& warp, const Instruction& instruction, uint32_t mask) {
  need_all_lanes(mask, "movmatrix");
  uint16_t matrix[8][8];
  const uint32_t* source = warp.lanes<uint32_t>(instruction.op[1]);
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const Halves at = halves_of(lane, false);
    for (int i = 0; i < 2; ++i) matrix[at.row[i]][at.column[i]] = static_cast<uint16_t>(source[lane] >> (16 * i));
  }
  uint32_t* words = warp.lanes<uint32_t>(instruction.op[0]);
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    const Halves at = halves_of(lane, true);
    words[lane] = matrix[at.row[0]][at.column[0]] | static_cast<uint32_t>(matrix[at.row[1]][at.column[1]]) << 16;
  }
  return Step::next;
}

/** The modifiers that ldmatrix and stmatrix share; returns the number of matrices. */
size_t take_matrix_modifiers(Decoder& decoder, Instruction& instruction, Space* space) {
  decoder.need_one_of({"sync"});
  decoder.need_one_of({"aligned"});
  decoder.need_one_of({"m8n8"});
  const char* count = decoder.need_one_of({"x1", "x2", "x4"});
  instruction.c = decoder.take("trans");
  *space = decoder.take_one_of({"shared", "shared::cta"}) ? Space::shared : Space::none;
  decoder.take_type({Type::b16});
  decoder.need_operands(2, 2);
  instruction.b = static_cast<uint32_t>(count[1] - '0');
  instruction.gather = Gather::warp;
  return instruction.b;
}

void decode_ldmatrix(Decoder& decoder, Instruction& instruction) {
  Space space;
  const size_t matrices = take_matrix_modifiers(decoder, instruction, &space);
  decoder.write_vector(0, Type::b32, matrices);
  decoder.read_address(1, space);
  instruction.execute = execute_ldmatrix;
}

void decode_stmatrix(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "stmatrix needs sm_90");
  Space space;
  const size_t matrices = take_matrix_modifiers(decoder, instruction, &space);
  decoder.read_vector(1, Type::b32, matrices);
  decoder.read_address(0, space);
  instruction.execute = execute_stmatrix;
}

void decode_movmatrix(Decoder& decoder, Instruction& instruction) {
  for (const char* modifier : {"sync", "aligned", "m8n8", "trans"}) decoder.need_one_of({modifier});
  decoder.take_type({Type::b16});
  decoder.need_operands(2, 2);
  decoder.write(0, Type::b32);
  decoder.read(1, Type::b32);
  instruction.gather = Gather::warp;
  instruction.execute = execute_movmatrix;
}

constexpr OpcodeRow kRows[] = {
    {"ldmatrix", decode_ldmatrix}, {"stmatrix", decode_stmatrix}, {"movmatrix", decode_movmatrix}};

}  // namespace

Family matrix_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
