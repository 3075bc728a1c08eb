/**
 * @file shared_memory.h
 * @brief Shared memory of a CTA with what a GPU hides: bounds, uninitialised reads, races between warps, bank passes.
 */
#ifndef TERNARY_SOFTGPU_EXEC_SHARED_MEMORY_H_
#define TERNARY_SOFTGPU_EXEC_SHARED_MEMORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "softgpu/exec/order.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

class SharedMemory {
 public:
  /** `agents`: warps of the cluster, which may all come here. Nothing is initialised. */
  SharedMemory(uint32_t bytes, const Order* order);

  uint32_t size() const { return size_; }
  uint8_t* data() { return bytes_.data(); }

  /** Checks an access by an agent (a warp's number in its cluster) and notes it with the PTX line. Atomics race with
   *  plain accesses only. Throws Fault. The pointer is valid as long as the CTA. */
  uint8_t* access(size_t agent, uint64_t address, uint32_t bytes, Access kind, int line);
  /** An asynchronous copy into the bytes has begun: until end_copy() nobody may touch them. */
  void begin_copy(uint64_t address, uint32_t bytes);
  /** The copy has landed, as a write of the agent. Returns where to put the bytes. */
  uint8_t* end_copy(size_t agent, uint64_t address, uint32_t bytes, int line);

 private:
  /** What is known of a word, or of a byte of a word whose bytes differ. */
  struct Cell {
    uint64_t readers = 0;  ///< agents modulo 64 that read since the last write
    uint32_t read_epoch = 0;
    uint32_t write_epoch = 0;
    int32_t read_line = 0;
    int32_t write_line = 0;
    uint16_t writer = 0;
    bool written = false;
    bool atomically = false;  ///< the last write was an atomic
    bool pending = false;     ///< between begin_copy() and end_copy()
    bool split = false;       ///< see byte_cells_

    bool operator==(const Cell& other) const {
      const auto all = [](const Cell& c) {
        return std::tie(c.readers, c.read_epoch, c.write_epoch, c.read_line, c.write_line, c.writer, c.written,
                        c.atomically, c.pending, c.split);
      };
      return all(*this) == all(other);
    }
  };
  void check_bounds(uint64_t address, uint32_t bytes) const;
  /** Calls f for each cell of the bytes. */
  template <class F>
  void each_cell(uint64_t address, uint32_t bytes, F f);
  void note(Cell& cell, size_t agent, uint64_t address, Access kind, int line) const;
  void note_read(Cell& cell, size_t agent, int line) const;
  void check_readers(const Cell& cell, size_t agent, uint64_t address) const;
  bool readers_before(const Cell& cell, size_t agent) const;

  uint32_t size_;
  std::vector<uint8_t> bytes_;
  std::vector<Cell> cells_;                              ///< one a word
  std::vector<std::array<Cell, 4>> byte_cells_;          ///< of words that are split
  std::unordered_map<uint32_t, uint32_t> byte_cell_of_;  ///< word -> index in byte_cells_
  const Order* order_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_SHARED_MEMORY_H_
