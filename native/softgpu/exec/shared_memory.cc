#include "softgpu/exec/shared_memory.h"

#include <algorithm>
#include <string>

#include "softgpu/code/fault.h"

namespace ternary::softgpu {
SharedMemory::SharedMemory(uint32_t bytes, const Order* order, Kind kind)
    : size_(bytes),
      bytes_(bytes),
      cells_((bytes + 3) / 4),
      order_(order),
      reads_(order, kind == Kind::tensor),
      kind_(kind) {}

std::string SharedMemory::where(uint64_t address) const {
  if (kind_ == Kind::shared) return "shared address " + std::to_string(address);
  const uint64_t lane = address / 4 / kTensorColumns * kTensorLanes;
  return "tensor memory column " + std::to_string(address / 4 % kTensorColumns) + ", lanes " + std::to_string(lane) +
         " to " + std::to_string(lane + kTensorLanes - 1);
}

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

bool SharedMemory::Cell::operator==(const Cell& other) const {
  return readers == other.readers && write_epoch == other.write_epoch && write_line == other.write_line &&
         engine_line == other.engine_line && writer == other.writer && engine == other.engine &&
         pending == other.pending && engine_reads == other.engine_reads && written == other.written &&
         atomically == other.atomically && by_engine == other.by_engine && by_init == other.by_init &&
         split == other.split;
}

void SharedMemory::check_readers(const Cell& cell, size_t agent, uint64_t address) const {
  const ReadSets::Reader* reader = reads_.unordered(cell.readers, agent);
  if (!reader) return;
  throw Fault(FaultKind::race, where(address) + " is written while " + name(reader->agent, reader->line) +
                                   " reads it, with no barrier between");
}

void SharedMemory::note(Cell& cell, size_t agent, uint64_t address, Access kind, int line) {
  if (cell.pending) {
    throw Fault(FaultKind::race,
                where(address) + " is the destination of an asynchronous copy that has not been waited for");
  }
  if (cell.engine_reads != 0 && kind != Access::read) {
    throw Fault(FaultKind::race,
                where(address) + " is written while an engine reads it, which has not been waited for");
  }
  if (kind != Access::write && !cell.written) {
    throw Fault(FaultKind::uninitialised, where(address) + " was never written");
  }
  bool both_atomic = kind == Access::atomic && cell.atomically;
  const bool init_known = cell.by_init && order_->init_before(cell.writer, cell.write_epoch, agent);
  if (cell.written && !both_atomic && !init_known && !order_->before(cell.writer, cell.write_epoch, agent)) {
    throw Fault(FaultKind::race, where(address) + " is " + (kind == Access::read ? "read" : "written") + " after " +
                                     name(cell.writer, cell.write_line) + " wrote it, with no barrier between");
  }
  if (kind == Access::read) {
    cell.readers = reads_.add(cell.readers, {agent, order_->epoch(agent), line});
    return;
  }
  check_readers(cell, agent, address);
  cell.readers = 0;
  cell.writer = static_cast<uint16_t>(agent);
  cell.write_epoch = order_->epoch(agent);
  cell.write_line = line;
  cell.written = true;
  cell.atomically = kind == Access::atomic;
  cell.by_engine = cell.by_init = false;
}

void SharedMemory::note_init(uint64_t address) {
  each_cell(address, 8, [](Cell& cell, uint64_t) { cell.by_init = true; });
}

std::string SharedMemory::name(size_t agent, int line) const {
  return order_->name(agent) + " (PTX line " + std::to_string(line) + ")";
}

/** What an engine is about to do with a cell must come after what was done to it before. */
void SharedMemory::check_engine(const Cell& cell, size_t engine, uint64_t address, bool writes) const {
  const char* verb = writes ? " is written by " : " is read by ";
  const auto fail = [&](FaultKind kind, const std::string& why) {
    throw Fault(kind, where(address) + verb + order_->name(engine) + why);
  };
  // What one agent does to tensor memory it does in order.
  const bool in_order = kind_ == Kind::tensor && cell.writer == engine;
  if (cell.pending != 0 && !in_order) {
    fail(FaultKind::race, " while " + name(cell.writer, cell.write_line) + " writes it, which was not waited for");
  }
  const bool own_read = kind_ == Kind::tensor && cell.engine == engine;
  if (writes && cell.engine_reads != 0 && !own_read) {
    const std::string who = cell.engine == kSeveral ? "several engines" : name(cell.engine, cell.engine_line);
    fail(FaultKind::race, " while " + who + " reads it, which was not waited for");
  }
  const bool begun = in_order && cell.pending != 0;
  if (!writes && !cell.written && !begun) throw Fault(FaultKind::uninitialised, where(address) + " was never written");
  const bool ordered = kind_ == Kind::tensor ? order_->before_in_tensor_memory(cell.writer, cell.write_epoch, engine)
                                             : order_->before(cell.writer, cell.write_epoch, engine);
  if (cell.written && !ordered) {
    fail(FaultKind::race, " after " + name(cell.writer, cell.write_line) + " wrote it, with no barrier between");
  }
  const bool fenced =
      cell.by_engine || kind_ == Kind::tensor || order_->before_engine(cell.writer, cell.write_epoch, engine);
  if (cell.written && !fenced) {
    fail(FaultKind::race,
         " after " + name(cell.writer, cell.write_line) + " wrote it, with no fence.proxy.async between");
  }
  if (writes) check_readers(cell, engine, address);
}

void SharedMemory::begin_engine_write(size_t engine, uint64_t address, uint32_t bytes, int line) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [&](Cell& cell, uint64_t at) {
    check_engine(cell, engine, at, true);
    cell.writer = static_cast<uint16_t>(engine);
    cell.write_line = line;
    ++cell.pending;
  });
}

uint8_t* SharedMemory::end_engine_write(size_t engine, uint32_t epoch, uint64_t address, uint32_t bytes, int line) {
  each_cell(address, bytes, [&](Cell& cell, uint64_t) {
    const uint16_t still_pending = static_cast<uint16_t>(cell.pending - 1), reads = cell.engine_reads;
    cell = Cell{};
    cell.pending = still_pending;
    cell.engine_reads = reads;
    cell.writer = static_cast<uint16_t>(engine);
    cell.write_epoch = epoch;
    cell.write_line = line;
    cell.written = cell.by_engine = true;
  });
  return bytes_.data() + address;
}

void SharedMemory::begin_engine_read(size_t engine, uint64_t address, uint32_t bytes, int line) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [&](Cell& cell, uint64_t at) {
    check_engine(cell, engine, at, false);
    cell.engine = cell.engine_reads == 0 || cell.engine == engine ? static_cast<uint16_t>(engine) : kSeveral;
    cell.engine_line = line;
    ++cell.engine_reads;
  });
}

void SharedMemory::forget(uint64_t address, uint32_t bytes) {
  each_cell(address, bytes, [&](Cell& cell, uint64_t) { cell = Cell{}; });
}

const uint8_t* SharedMemory::end_engine_read(size_t engine, uint32_t epoch, uint64_t address, uint32_t bytes,
                                             int line) {
  each_cell(address, bytes, [&](Cell& cell, uint64_t) {
    --cell.engine_reads;
    cell.readers = reads_.add(cell.readers, {engine, epoch, line});
  });
  return bytes_.data() + address;
}

uint8_t* SharedMemory::access(size_t agent, uint64_t address, uint32_t bytes, Access kind, int line) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [&](Cell& cell, uint64_t at) { note(cell, agent, at, kind, line); });
  return bytes_.data() + address;
}

void SharedMemory::begin_copy(uint64_t address, uint32_t bytes) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [this](Cell& cell, uint64_t at) {
    if (cell.pending) {
      throw Fault(FaultKind::race, "two asynchronous copies to " + where(at) + " at once");
    }
    cell.pending = 1;
  });
}

uint8_t* SharedMemory::end_copy(size_t agent, uint64_t address, uint32_t bytes, int line) {
  check_bounds(address, bytes);
  each_cell(address, bytes, [&](Cell& cell, uint64_t at) {
    cell.pending = 0;
    note(cell, agent, at, Access::write, line);
  });
  return bytes_.data() + address;
}

}  // namespace ternary::softgpu
