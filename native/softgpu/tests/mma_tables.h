/**
 * @file mma_tables.h
 * @brief The fragment tables of the PTX ISA (9.7.14.5), as the ISA writes them: row and column for the i-th element of a
 * lane, not as mma_math.cc does.
 */
#ifndef TERNARY_SOFTGPU_TESTS_MMA_TABLES_H_
#define TERNARY_SOFTGPU_TESTS_MMA_TABLES_H_

#include <cstdint>

#include "softgpu/opcodes/mma_math.h"

namespace ternary::softgpu {

struct Place {
  int row, column;
};

/** One shape with its tables: where element i of lane l lies in A (row, k), B (k, column) and C (row, column). */
struct Table {
  const char* name;
  MmaShape shape;
  bool bytes;
  int a_elements, b_elements, c_elements;
  Place (*a)(int group, int thread, int i);
  Place (*b)(int group, int thread, int i);
  Place (*c)(int group, int thread, int i);
};

inline Place c_of_16_rows(int group, int thread, int i) { return {i < 2 ? group : group + 8, thread * 2 + (i & 1)}; }
inline Place c_of_8_rows(int group, int thread, int i) { return {group, thread * 2 + i}; }

inline const Table kTables[] = {
    {"m16n8k32 of bytes",
     {16, 8, 32},
     true,
     16,
     8,
     4,
     [](int group, int thread, int i) {
       const bool upper = (i >= 0 && i < 4) || (i >= 8 && i < 12);
       return Place{upper ? group : group + 8, i < 8 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16};
     },
     [](int group, int thread, int i) {
       return Place{i < 4 ? thread * 4 + (i & 3) : thread * 4 + (i & 3) + 16, group};
     },
     c_of_16_rows},
    {"m16n8k16 of bytes",
     {16, 8, 16},
     true,
     8,
     4,
     4,
     [](int group, int thread, int i) { return Place{i < 4 ? group : group + 8, thread * 4 + (i & 3)}; },
     [](int group, int thread, int i) { return Place{thread * 4 + i, group}; },
     c_of_16_rows},
    {"m8n8k16 of bytes",
     {8, 8, 16},
     true,
     4,
     4,
     2,
     [](int group, int thread, int i) { return Place{group, thread * 4 + i}; },
     [](int group, int thread, int i) { return Place{thread * 4 + i, group}; },
     c_of_8_rows},
    {"m16n8k16 of halves",
     {16, 8, 16},
     false,
     8,
     4,
     4,
     [](int group, int thread, int i) {
       const bool upper = (i >= 0 && i < 2) || (i >= 4 && i < 6);
       return Place{upper ? group : group + 8, i < 4 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8};
     },
     [](int group, int thread, int i) { return Place{i < 2 ? thread * 2 + (i & 1) : thread * 2 + (i & 1) + 8, group}; },
     c_of_16_rows},
    {"m16n8k8 of halves",
     {16, 8, 8},
     false,
     4,
     2,
     4,
     [](int group, int thread, int i) { return Place{i < 2 ? group : group + 8, thread * 2 + (i & 1)}; },
     [](int group, int thread, int i) { return Place{thread * 2 + i, group}; },
     c_of_16_rows},
};

using Lanes = uint32_t[32];

/** The registers of a warp for one mma. */
struct Fragments {
  Lanes a[4] = {}, b[2] = {}, c[4] = {}, d[4] = {};
  const uint32_t* const a_words[4] = {a[0], a[1], a[2], a[3]};
  const uint32_t* const b_words[2] = {b[0], b[1]};
  const uint32_t* const c_words[4] = {c[0], c[1], c[2], c[3]};
  uint32_t* const d_words[4] = {d[0], d[1], d[2], d[3]};

  static void set(Lanes* registers, int lane, int i, bool bytes, uint32_t bits) {
    const int per = bytes ? 4 : 2, width = 32 / per;
    registers[i / per][lane] |= bits << (i % per * width);
  }
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_MMA_TABLES_H_
