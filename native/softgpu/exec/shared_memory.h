/**
 * @file shared_memory.h
 * @brief Shared memory of a CTA with what a GPU hides: bounds, uninitialised reads, races between warps and engines.
 *
 * Tensor memory is kept track of by the same rules: a word stands for 16 lanes of a column.
 */
#ifndef TERNARY_SOFTGPU_EXEC_SHARED_MEMORY_H_
#define TERNARY_SOFTGPU_EXEC_SHARED_MEMORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "softgpu/exec/order.h"
#include "softgpu/exec/read_sets.h"
#include "softgpu/memory/aligned.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

inline constexpr uint32_t kTensorColumns = 512, kTensorLanes = 16;  ///< of tensor memory's words here

class SharedMemory {
 public:
  enum class Kind : uint8_t { shared, tensor };
  /** Nothing is initialised. */
  SharedMemory(uint32_t bytes, const Order* order, Kind kind = Kind::shared);

  uint32_t size() const { return size_; }
  uint8_t* data() { return bytes_.data(); }

  /** Checks an access by an agent (a warp's number in its cluster) and notes it with the PTX line. Atomics race with
   *  plain accesses only. Throws Fault. The pointer is valid as long as the CTA. */
  uint8_t* access(size_t agent, uint64_t address, uint32_t bytes, Access kind, int line);
  /** An asynchronous copy into the bytes has begun: until end_copy() nobody may touch them. */
  void begin_copy(uint64_t address, uint32_t bytes);
  /** The copy has landed, as a write of the agent. Returns where to put the bytes. */
  uint8_t* end_copy(size_t agent, uint64_t address, uint32_t bytes, int line);

  /** The write of 8 bytes that was just noted was mbarrier.init's. */
  void note_init(uint64_t address);
  /** Forgets what was done to the bytes, which are then unwritten. */
  void forget(uint64_t address, uint32_t bytes);

  // What engines do: the check is made when they are given the work. They see what warps wrote to shared memory behind a
  // proxy fence only. Warps use tensor memory in this way too, up to their tcgen05.wait.
  /** Until end_engine_write() nobody may touch the bytes. */
  void begin_engine_write(size_t engine, uint64_t address, uint32_t bytes, int line);
  /** `epoch`: the engine's at begin_engine_write(). */
  uint8_t* end_engine_write(size_t engine, uint32_t epoch, uint64_t address, uint32_t bytes, int line);
  /** Until end_engine_read() nobody may write the bytes. */
  void begin_engine_read(size_t engine, uint64_t address, uint32_t bytes, int line);
  const uint8_t* end_engine_read(size_t engine, uint32_t epoch, uint64_t address, uint32_t bytes, int line);

 private:
  /** What is known of a word, or of a byte of a word whose bytes differ. */
  struct Cell {
    ReadSets::Number readers = 0;  ///< since the last write
    uint32_t write_epoch = 0;
    int32_t write_line = 0;
    int32_t engine_line = 0;  ///< of the engine's read that is pending
    uint16_t writer = 0;
    uint16_t engine = 0;        ///< whose read is pending; kSeveral
    uint16_t pending = 0;       ///< writes between begin and end; more than one only of one agent to tensor memory
    uint16_t engine_reads = 0;  ///< between begin_engine_read() and end_engine_read()
    bool written = false;
    bool atomically = false;  ///< the last write was an atomic
    bool by_engine = false;   ///< the last write was an engine's
    bool by_init = false;     ///< the last write was mbarrier.init's
    bool split = false;       ///< see byte_cells_

    bool operator==(const Cell& other) const;
  };
  static constexpr uint16_t kSeveral = 0xffff;
  void check_bounds(uint64_t address, uint32_t bytes) const;
  std::string where(uint64_t address) const;
  /** Calls f for each cell of the bytes. */
  template <class F>
  void each_cell(uint64_t address, uint32_t bytes, F f);
  void note(Cell& cell, size_t agent, uint64_t address, Access kind, int line);
  void check_readers(const Cell& cell, size_t agent, uint64_t address) const;
  std::string name(size_t agent, int line) const;
  void check_engine(const Cell& cell, size_t engine, uint64_t address, bool writes) const;

  uint32_t size_;
  AlignedBytes bytes_;
  std::vector<Cell> cells_;                              ///< one a word
  std::vector<std::array<Cell, 4>> byte_cells_;          ///< of words that are split
  std::unordered_map<uint32_t, uint32_t> byte_cell_of_;  ///< word -> index in byte_cells_
  const Order* order_;
  ReadSets reads_;
  Kind kind_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_SHARED_MEMORY_H_
