#include "softgpu/exec/shared_memory.h"

#include <string>

#include "softgpu/code/fault.h"

namespace ternary::softgpu {
namespace {

std::string warp_and_line(size_t agent, int line) {
  return "warp " + std::to_string(agent) + " of the cluster (PTX line " + std::to_string(line) + ")";
}

}  // namespace

SharedMemory::SharedMemory(uint32_t bytes, const Order* order)
    : size_(bytes), bytes_(bytes), cells_((bytes + 3) / 4), order_(order) {}

void SharedMemory::check_bounds(uint64_t address, uint32_t bytes) const {
  if (address + bytes <= size_) return;
  throw Fault(FaultKind::address, std::to_string(bytes) + " bytes at shared address " + std::to_string(address) +
                                      " of a CTA that has " + std::to_string(size_) + " bytes");
}

/** Words that an access covers as a whole have one cell, unless their bytes were written one by one: then four. */
template <class F>
void SharedMemory::each_cell(uint64_t address, uint32_t bytes, F f) {
  uint32_t at = static_cast<uint32_t>(address), end = at + bytes;
  while (at < end) {
    uint32_t word = at / 4, begin = at % 4, count = std::min(4 - begin, end - at);
    Cell& cell = cells_[word];
    if (!cell.split && count == 4) {
      f(cell, at);
    } else {
      if (!cell.split) {
        auto [found, made] = byte_cell_of_.emplace(word, static_cast<uint32_t>(byte_cells_.size()));
        if (made) byte_cells_.emplace_back();
        byte_cells_[found->second].fill(cell);
        cell.split = true;
      }
      std::array<Cell, 4>& cells = byte_cells_[byte_cell_of_[word]];
      for (uint32_t i = begin; i < begin + count; ++i) f(cells[i], at + i - begin);
      bool same = true;
      for (int i = 1; i < 4; ++i) same = same && cells[i] == cells[0];
      if (same) cell = cells[0];  // whose `split` is false
    }
    at += count;
  }
}

bool SharedMemory::readers_before(const Cell& cell, size_t agent) const {
  for (uint64_t rest = cell.readers; rest; rest &= rest - 1) {
    for (size_t reader = static_cast<size_t>(__builtin_ctzll(rest)); reader < order_->agents(); reader += 64) {
      if (!order_->before(reader, cell.read_epoch, agent)) return false;
    }
  }
  return true;
}

void SharedMemory::note_read(Cell& cell, size_t agent, int line) const {
  uint32_t epoch = order_->epoch(agent);
  uint64_t bit = uint64_t{1} << agent % 64;
  if (cell.readers & bit && cell.read_epoch == epoch) return;
  cell.read_line = line;
  if (cell.readers && cell.read_epoch < epoch && readers_before(cell, agent)) cell.readers = 0;
  cell.read_epoch = cell.readers ? std::max(cell.read_epoch, epoch) : epoch;
  cell.readers |= bit;
}

void SharedMemory::check_readers(const Cell& cell, size_t agent, uint64_t address) const {
  uint64_t others = cell.readers & ~(uint64_t{1} << agent % 64);
  if (!others) return;
  Cell rest = cell;
  rest.readers = others;
  if (readers_before(rest, agent)) return;
  throw Fault(FaultKind::race, "shared address " + std::to_string(address) + " is written while " +
                                   warp_and_line(static_cast<size_t>(__builtin_ctzll(others)), cell.read_line) +
                                   " reads it, with no barrier between");
}

void SharedMemory::note(Cell& cell, size_t agent, uint64_t address, Access kind, int line) const {
  if (cell.pending) {
    throw Fault(FaultKind::race, "shared address " + std::to_string(address) +
                                     " is the destination of an asynchronous copy that has not been waited for");
  }
  if (kind != Access::write && !cell.written) {
    throw Fault(FaultKind::uninitialised, "shared address " + std::to_string(address) + " was never written");
  }
  bool both_atomic = kind == Access::atomic && cell.atomically;
  if (cell.written && !both_atomic && !order_->before(cell.writer, cell.write_epoch, agent)) {
    throw Fault(FaultKind::race,
                "shared address " + std::to_string(address) + " is " + (kind == Access::read ? "read" : "written") +
                    " after " + warp_and_line(cell.writer, cell.write_line) + " wrote it, with no barrier between");
  }
  if (kind == Access::read) return note_read(cell, agent, line);
  check_readers(cell, agent, address);
  cell.readers = 0;
  cell.read_epoch = 0;
  cell.read_line = 0;
  cell.writer = static_cast<uint16_t>(agent);
  cell.write_epoch = order_->epoch(agent);
  cell.write_line = line;
  cell.written = true;
  cell.atomically = kind == Access::atomic;
}

uint8_t* SharedMemory::access(size_t agent, uint64_t address, uint32_t bytes, Access kind, int line) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [&](Cell& cell, uint64_t at) { note(cell, agent, at, kind, line); });
  return bytes_.data() + address;
}

void SharedMemory::begin_copy(uint64_t address, uint32_t bytes) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [](Cell& cell, uint64_t at) {
    if (cell.pending) {
      throw Fault(FaultKind::race, "two asynchronous copies to shared address " + std::to_string(at) + " at once");
    }
    cell.pending = true;
  });
}

uint8_t* SharedMemory::end_copy(size_t agent, uint64_t address, uint32_t bytes, int line) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [&](Cell& cell, uint64_t at) {
    cell.pending = false;
    note(cell, agent, at, Access::write, line);
  });
  return bytes_.data() + address;
}

}  // namespace ternary::softgpu
