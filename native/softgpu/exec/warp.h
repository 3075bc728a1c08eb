/**
 * @file warp.h
 * @brief A warp: 32 lanes of every register, who is alive, and where each lane is.
 *
 * Lanes that are at different instructions form splits. The split with the lowest address goes first, which brings the
 * sides of a branch together where nvcc laid out their join, and splits that meet become one again. Lanes at an
 * instruction that must gather others (shfl.sync, bar.sync) stay there until those have come.
 */
#ifndef TERNARY_SOFTGPU_EXEC_WARP_H_
#define TERNARY_SOFTGPU_EXEC_WARP_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "softgpu/code/code.h"
#include "softgpu/code/counters.h"
#include "softgpu/code/fault.h"
#include "softgpu/exec/cta.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

inline constexpr int kWarpLanes = 32;
inline constexpr uint32_t kAllLanes = 0xffffffffu;

class Warp;

/** What one host thread has of its own. */
struct Worker {
  std::vector<InstructionCounts> counts;  ///< by instruction
  std::vector<Range> ranges;              ///< by instruction: where it went last
  uint64_t steps = 0;                     ///< of the slice that runs
  const Warp* warp = nullptr;             ///< that ran last of the cluster that the thread holds; null: holds none
};

/** Where an address of a lane leads. */
struct Place {
  ptx::Space space;    ///< global, shared or local
  Cta* cta = nullptr;  ///< whose shared memory
  uint64_t address;    ///< in the space: offset in shared memory, host address otherwise
};

class Warp {
 public:
  Warp(Cta& cta, int index, uint32_t living);

  /** The 32 lanes of a register or another source: uint32_t up to 32 bits, uint64_t for 64. */
  template <class T>
  T* lanes(Slot slot) {
    return reinterpret_cast<T*>(banks_[slot.bank] + slot.offset);
  }
  uint32_t& predicate(Slot slot) { return *lanes<uint32_t>(slot); }
  /** Sets the lanes of a predicate that are in `mask`. */
  void set_predicate(Slot slot, uint32_t mask, uint32_t value) {
    uint32_t& predicate = *lanes<uint32_t>(slot);
    predicate = (predicate & ~mask) | (value & mask);
  }

  Cta& cta() { return *cta_; }
  int index() const { return index_; }
  /** Its number among the warps of its cluster, for Order and SharedMemory. */
  size_t agent() const { return agent_; }
  uint32_t living() const { return living_; }
  /** Lanes that are at the current instruction, whatever its guard says. */
  uint32_t active() const { return active_; }
  const Code& code() const { return *code_; }
  const Instruction& current() const { return code_->instructions[pc_]; }
  InstructionCounts& counts();  ///< of the current instruction

  // Control, for Step::jumped.
  /** Of the lanes that execute now, those in `mask` go to `target`, the others to the next instruction. */
  void jump(uint32_t mask, uint32_t target);
  /** As jump() with a target a lane: brx.idx. */
  void jump_each(uint32_t mask, const uint32_t* targets);
  void exit_lanes(uint32_t mask);

  /** Fills 32 addresses: base lanes plus offset. */
  void addresses(const Instruction& instruction, const Address& address, uint64_t* out);

  // Memory of one lane, checked: bounds, alignment to `bytes` (a power of two), races, uninitialised shared bytes.
  /** What a generic or space-qualified address means; shared addresses may name another CTA of the cluster. */
  Place place(ptx::Space space, uint64_t address, int lane);
  /** The bytes of one access, noted as `kind`. Throws Fault. */
  uint8_t* access(const Place& place, uint32_t bytes, Access kind, int lane);
  uint8_t* access(ptx::Space space, uint64_t address, uint32_t bytes, Access kind, int lane) {
    return access(place(space, address, lane), bytes, kind, lane);
  }
  /** The same for all lanes of `mask` at once, and counted as one request: fills out[lane]. */
  void access_all(ptx::Space space, uint32_t mask, const uint64_t* addresses, uint32_t bytes, Access kind,
                  uint8_t** out);
  /** The warp, or an engine that it gives work to, uses the shared memory of `host`, another CTA: checks that it is there
   *  and notes that it must stay. */
  void visit(Cta& host, size_t agent, uint32_t epoch, int lane);
  /** Adds a request to the counters: global, local: sectors; shared: bank passes. access_all() has done so. */
  void count_access(ptx::Space space, uint32_t mask, const uint64_t* addresses, uint32_t bytes);
  /** To hold while an atomic or strong access to the space is made: see GridOrder::signals(). */
  std::unique_lock<std::mutex> signal(ptx::Space space);
  /** Global memory that a copy engine is to use which the warp gives work to; `epoch`: the engine's. */
  uint8_t* access_by_engine(size_t engine, uint32_t epoch, uint64_t address, uint32_t bytes, Access kind, int lane);
  /** The sides of a fence that orders CTAs: see GridOrder. */
  void release();
  void acquire();
  /** fence.proxy.async */
  void proxy_fence(bool shared, bool global);

  /** Generic address of a lane's local memory. */
  uint64_t local_base(int lane) const {
    return reinterpret_cast<uint64_t>(local_.data()) + uint64_t{code_->local_bytes} * static_cast<uint32_t>(lane);
  }

  // Made when first needed.
  std::unique_ptr<Extension> async_copies;     ///< of cp.async
  std::unique_ptr<Extension> bulk_groups;      ///< of cp.async.bulk out of shared memory
  std::unique_ptr<Extension> tensor_accesses;  ///< tcgen05.ld and .st that were not waited for

  /** EngineWork::events when a try_wait failed, by instruction: it suspends the warp until there are more. */
  std::unordered_map<uint32_t, uint64_t> failed_waits;
  uint32_t pc() const { return pc_; }

  uint32_t carry = 0;  ///< the condition code of add.cc and its kin, a bit a lane
  /** Lanes that have arrived at each named barrier, and its generation then. */
  uint32_t barrier_lanes[16] = {};
  uint64_t barrier_generation[16] = {};

 private:
  friend class Engine;
  uint8_t* global(uint64_t address, uint32_t bytes, Access kind, int lane, const GridOrder::Agent* agent = nullptr);
  void leave_split(uint32_t lanes, uint32_t pc, bool gathering, bool waiting);
  GridOrder::Agent grid_agent() { return {cta_->cluster->number, agent_, &cta_->cluster->order}; }
  /** `agent` none: the warp. */
  void note_global(const Range& range, uint64_t address, uint64_t bytes, Access kind,
                   const GridOrder::Agent* agent = nullptr);
  void access_global(uint32_t mask, const uint64_t* addresses, uint32_t bytes, Access kind, uint8_t** out);
  void count_passes(uint32_t mask, const uint64_t* addresses, uint32_t bytes);
  /** Lanes that are elsewhere. */
  struct Split {
    uint32_t pc;
    uint32_t lanes;
    bool gathering;  ///< waits for lanes of other splits
    bool waiting;    ///< its instruction gave Step::wait
  };
  struct alignas(64) CacheLine {
    uint8_t bytes[64];
  };

  const Code* code_;
  uint8_t* banks_[2];
  Cta* cta_;
  Worker* worker_ = nullptr;  ///< whoever runs it now
  int index_;
  size_t agent_;
  uint32_t pc_ = 0;
  uint32_t active_;
  uint32_t living_;
  std::vector<Split> splits_;  ///< the others
  std::vector<CacheLine> frame_;
  std::vector<uint8_t> local_;  ///< local_bytes a lane
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_EXEC_WARP_H_
