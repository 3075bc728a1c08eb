// tcgen05.ld and .st between registers and tensor memory, their waits, and tcgen05.fence.
#include <cstring>

#include "softgpu/blackwell/tensor_memory.h"
#include "softgpu/code/opcode.h"

namespace ternary::softgpu {
namespace {

using ptx::Type;

/** What a warp has begun and not waited for. The values are moved at once: nobody else may look before the wait. */
class TensorAccesses : public Extension {
 public:
  struct One {
    TensorArea area;
    bool write;
    int line;
  };

  static TensorAccesses& of(Warp& warp) {
    if (!warp.tensor_accesses) warp.tensor_accesses = std::make_unique<TensorAccesses>();
    return static_cast<TensorAccesses&>(*warp.tensor_accesses);
  }

  void begin(Warp& warp, const TensorArea& area, bool write) {
    const int line = warp.current().source->line;
    TensorMemory& memory = TensorMemory::of(warp.cta());
    if (write) {
      memory.begin_write(warp.agent(), area, line);
    } else {
      memory.begin_read(warp.agent(), area, line);
    }
    begun_.push_back({area, write, line});
  }

  void wait(Warp& warp, bool writes) {
    TensorMemory& memory = TensorMemory::of(warp.cta());
    const uint32_t epoch = warp.cta().cluster->order.epoch(warp.agent());
    std::vector<One> rest;
    for (size_t i = 0; i < begun_.size(); ++i) {
      const One& one = begun_[i];
      if (one.write != writes && !(one.write && is_read_after(i))) {
        rest.push_back(one);
      } else if (one.write) {
        memory.end_write(warp.agent(), epoch, one.area, one.line);
      } else {
        memory.end_read(warp.agent(), epoch, one.area, one.line);
      }
    }
    begun_.swap(rest);
  }

 private:
  /** A load that was begun after the store has read of it, so that the store is done when the load is: CUTLASS's stream-K
   *  counts on that. */
  bool is_read_after(size_t store) const {
    const TensorArea& written = begun_[store].area;
    for (size_t i = store + 1; i < begun_.size(); ++i) {
      const TensorArea& read = begun_[i].area;
      const bool apart = begun_[i].write || read.lane >= written.lane + written.lanes ||
                         written.lane >= read.lane + read.lanes || read.column >= written.column + written.columns ||
                         written.column >= read.column + read.columns;
      if (!apart) return true;
    }
    return false;
  }

  std::vector<One> begun_;
};

/** A shape: how many registers and columns a repetition has, and where register v of a thread lies. */
struct Shape {
  const char* name;
  uint32_t lanes, registers, columns;
  uint32_t (*lane)(uint32_t thread, uint32_t v);
  uint32_t (*column)(uint32_t thread, uint32_t v);
};

constexpr Shape kShapes[] = {
    {"32x32b", 32, 1, 1, [](uint32_t thread, uint32_t) { return thread; }, [](uint32_t, uint32_t) { return 0u; }},
    {"16x128b", 16, 2, 4, [](uint32_t thread, uint32_t v) { return thread / 4 + 8 * v; },
     [](uint32_t thread, uint32_t) { return thread % 4; }},
    {"16x256b", 16, 4, 8, [](uint32_t thread, uint32_t v) { return thread / 4 + 8 * (v / 2); },
     [](uint32_t thread, uint32_t v) { return 2 * (thread % 4) + v % 2; }},
};

/** What the modifiers say: kept with the instruction. */
struct Form {
  const Shape* shape;
  uint32_t repetitions;
};

/** The area that an address names. A warp reaches the quarter of the lanes that its number gives. */
TensorArea area_of(Warp& warp, const Form& form, uint32_t address) {
  TensorArea area;
  area.lane = address >> 16;
  area.lanes = form.shape->lanes;
  area.column = address & 0xffff;
  area.columns = form.shape->columns * form.repetitions;
  const uint32_t first = static_cast<uint32_t>(warp.index()) % 4 * kWarpLanes;
  if (area.lane < first || area.lane + area.lanes > first + kWarpLanes || area.lane % kTensorLanes != 0) {
    throw Fault(FaultKind::address, "tensor memory lane " + std::to_string(area.lane) + ", where warp " +
                                        std::to_string(warp.index()) + " reaches lanes " + std::to_string(first) +
                                        " to " + std::to_string(first + kWarpLanes - 1));
  }
  return area;
}

/** Operands: address, then the registers. a: .st */
Step execute_access(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const Form& form = *static_cast<const Form*>(instruction.detail);
  const bool write = instruction.a != 0;
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (mask != kAllLanes || addresses[lane] != addresses[0]) {
      throw Fault(FaultKind::illegal, "all lanes of the warp must give one address");
    }
  }
  const TensorArea area = area_of(warp, form, static_cast<uint32_t>(addresses[0]));
  TensorAccesses::of(warp).begin(warp, area, write);
  TensorMemory& memory = TensorMemory::of(warp.cta());
  for (uint32_t v = 0; v < form.shape->registers * form.repetitions; ++v) {
    uint32_t* registers = warp.lanes<uint32_t>(instruction.op[1 + v]);
    const uint32_t repetition = v / form.shape->registers, within = v % form.shape->registers;
    for (uint32_t thread = 0; thread < kWarpLanes; ++thread) {
      uint32_t& cell = memory.at(area.lane + form.shape->lane(thread, within),
                                 area.column + repetition * form.shape->columns + form.shape->column(thread, within));
      if (write) {
        cell = registers[thread];
      } else {
        registers[thread] = cell;
      }
    }
  }
  return Step::next;
}

template <bool write>
void decode_access(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 100, "tcgen05 needs sm_100a");
  decoder.need_one_of({"sync"});
  decoder.need_one_of({"aligned"});
  Form form = {};
  for (const Shape& shape : kShapes) {
    if (!form.shape && decoder.take(shape.name)) form.shape = &shape;
  }
  decoder.need(form.shape != nullptr, "the shape is not known");
  form.repetitions =
      static_cast<uint32_t>(std::atoi(decoder.need_one_of({"x1", "x2", "x4", "x8", "x16", "x32", "x64", "x128"}) + 1));
  const uint32_t registers = form.shape->registers * form.repetitions;
  decoder.need(registers <= 128, "more than 128 registers");
  decoder.take_type({Type::b32});
  decoder.need_operands(2, 2);
  decoder.read_address(write ? 0 : 1, ptx::Space::none);
  if (write) {
    decoder.read_vector(1, Type::b32, registers);
  } else {
    decoder.write_vector(0, Type::b32, registers);
  }
  instruction.gather = Gather::warp;
  instruction.a = write;
  instruction.detail = decoder.keep(form);
  instruction.execute = execute_access;
}

template <bool writes>
void decode_wait(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"sync"});
  decoder.need_one_of({"aligned"});
  decoder.need_operands(0, 0);
  instruction.gather = Gather::warp;
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t) {
    TensorAccesses::of(warp).wait(warp, writes);
    return Step::next;
  };
}

/** What relaxed arrivals and waits say of tensor memory. Those that release and acquire need no such fence: CUTLASS 4.2 has
 *  none. */
template <bool before>
void decode_fence(Decoder& decoder, Instruction& instruction) {
  decoder.need_operands(0, 0);
  instruction.execute = [](Warp& warp, const Instruction&, uint32_t) {
    Order& order = warp.cta().cluster->order;
    if (before) {
      order.tensor_fence_before(warp.agent());
    } else {
      order.tensor_fence_after(warp.agent());
    }
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"tcgen05.ld", decode_access<false>},
                               {"tcgen05.st", decode_access<true>},
                               {"tcgen05.wait::ld", decode_wait<false>},
                               {"tcgen05.wait::st", decode_wait<true>},
                               {"tcgen05.fence::before_thread_sync", decode_fence<true>},
                               {"tcgen05.fence::after_thread_sync", decode_fence<false>}};

}  // namespace

Family tensor_access_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
