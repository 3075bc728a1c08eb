/**
 * Memory as a warp sees it: what an address means, what is wrong with it, and what it costs.
 */
#include <algorithm>
#include <cstring>

#include "softgpu/exec/warp.h"

namespace ternary::softgpu {

using ptx::Space;

namespace {

std::string hexadecimal(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

void check_alignment(uint64_t address, uint32_t bytes, int lane) {
  if (address & (bytes - 1)) {
    throw Fault(
        FaultKind::misaligned,
        "address " + hexadecimal(address) + " is no multiple of the access's " + std::to_string(bytes) + " bytes",
        lane);
  }
}

/** Each lane's bytes follow those of the lane before it: the usual access, worth a test that has no branches. */
bool are_neighbours(const uint64_t* addresses, uint32_t bytes) {
  uint64_t apart = 0;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    apart |= addresses[lane] ^ (addresses[0] + uint64_t{bytes} * static_cast<uint32_t>(lane));
  }
  return apart == 0;
}

}  // namespace

void Warp::addresses(const Instruction& instruction, const Address& address, uint64_t* out) {
  Slot slot = instruction.op[address.op];
  if (slot.bits == 64) {
    const uint64_t* base = lanes<uint64_t>(slot);
    for (int lane = 0; lane < kWarpLanes; ++lane) out[lane] = base[lane] + static_cast<uint64_t>(address.offset);
  } else {
    const uint32_t* base = lanes<uint32_t>(slot);
    for (int lane = 0; lane < kWarpLanes; ++lane) out[lane] = base[lane] + static_cast<uint32_t>(address.offset);
    for (int lane = 0; lane < kWarpLanes; ++lane) out[lane] &= 0xffffffffu;
  }
}

Place Warp::place(Space space, uint64_t address, int lane) {
  if (space == Space::shared) {
    uint64_t rank = address >> kClusterRankShift;
    if (rank >= cta_->cluster->ctas.size()) {
      throw Fault(FaultKind::address, "shared address " + hexadecimal(address) + " is outside the cluster", lane);
    }
    return {Space::shared, cta_->cluster->ctas[rank].get(), address & ((uint64_t{1} << kClusterRankShift) - 1)};
  }
  if (space == Space::none) {  // generic
    for (const auto& cta : cta_->cluster->ctas) {
      uint64_t begin = reinterpret_cast<uint64_t>(cta->shared.data());
      if (address - begin < cta->shared.size()) return {Space::shared, cta.get(), address - begin};
    }
    uint64_t local = reinterpret_cast<uint64_t>(local_.data());
    if (address - local < local_.size()) {
      uint64_t own = local + uint64_t{code_->local_bytes} * lane;
      if (address - own >= code_->local_bytes) {
        throw Fault(FaultKind::address, "address " + hexadecimal(address) + " is another thread's local memory", lane);
      }
      return {Space::local, nullptr, address - own};
    }
    const AlignedBytes& params = cta_->launch->config.params;
    uint64_t offset = address - reinterpret_cast<uint64_t>(params.data());
    if (offset < params.size()) return {Space::param, nullptr, offset};
    return {Space::global, nullptr, address};
  }
  return {space == Space::constant ? Space::global : space, nullptr, address};
}

/** Another CTA's shared memory: there only from when that CTA is known to have begun until it ends. */
void Warp::visit(Cta& host, size_t agent, uint32_t epoch, int lane) {
  const Order& order = cta_->cluster->order;
  bool begun = false;
  for (const auto& warp : host.warps) begun = begun || order.init_before(warp->agent_, 0, agent_);
  if (!begun) {
    throw Fault(FaultKind::race,
                "the shared memory of CTA " + std::to_string(host.rank) +
                    " of the cluster, which may not have begun: no barrier.cluster before",
                lane);
  }
  if (host.living_warps == 0) {
    throw Fault(FaultKind::race,
                "the shared memory of CTA " + std::to_string(host.rank) + " of the cluster, which has ended", lane);
  }
  cta_->cluster->order.touch_other(agent);
  host.visits.resize(order.agents());
  host.visits[agent] = {epoch, current().source->line};
}

uint8_t* Warp::access(const Place& place, uint32_t bytes, Access kind, int lane) {
  check_alignment(place.address, bytes, lane);
  switch (place.space) {
    case Space::shared: {
      if (place.cta != cta_) visit(*place.cta, agent_, cta_->cluster->order.epoch(agent_), lane);
      try {
        return place.cta->shared.access(agent_, place.address, bytes, kind, current().source->line);
      } catch (Fault& fault) {
        fault.lane = lane;
        throw;
      }
    }
    case Space::local:
      if (place.address + bytes > code_->local_bytes) {
        throw Fault(FaultKind::address,
                    "local address " + hexadecimal(place.address) + " of a thread that has " +
                        std::to_string(code_->local_bytes) + " bytes",
                    lane);
      }
      return local_.data() + size_t{code_->local_bytes} * lane + place.address;
    case Space::param: {
      const AlignedBytes& params = cta_->launch->config.params;
      if (place.address + bytes > params.size() || writes(kind)) {
        throw Fault(FaultKind::address, "access to parameter byte " + std::to_string(place.address), lane);
      }
      return const_cast<uint8_t*>(params.data()) + place.address;
    }
    default: return global(place.address, bytes, kind, lane);
  }
}

uint8_t* Warp::access_by_engine(size_t engine, uint32_t epoch, uint64_t address, uint32_t bytes, Access kind,
                                int lane) {
  const GridOrder::Agent agent{cta_->cluster->number, engine, &cta_->cluster->order, epoch};
  return global(address, bytes, kind, lane, &agent);
}

uint8_t* Warp::global(uint64_t address, uint32_t bytes, Access kind, int lane, const GridOrder::Agent* agent) {
  Range& range = worker_->ranges[pc_];
  bool inside = address >= range.begin && address + bytes <= range.end && address + bytes >= address;
  if (!inside || (writes(kind) && !range.writable)) {
    std::string problem;
    Accessor who{cta_->launch->config.launch, current().source->line};
    if (!cta_->launch->memory.resolve(address, bytes, kind, who, &range, &problem)) {
      range = Range{};
      throw Fault(FaultKind::address, problem, lane);
    }
  }
  try {
    note_global(range, address, bytes, kind, agent);
  } catch (Fault& fault) {
    fault.lane = lane;
    throw;
  }
  return reinterpret_cast<uint8_t*>(address);
}

void Warp::note_global(const Range& range, uint64_t address, uint64_t bytes, Access kind,
                       const GridOrder::Agent* agent) {
  if (writes(kind)) cta_->cluster->order.touch_other(agent_);
  cta_->launch->order.note(agent != nullptr ? *agent : grid_agent(), address, bytes, kind, current().strong,
                           current().source->line);
  if (!range.note) return;
  range.note(range.context, {cta_->launch->config.launch, current().source->line}, address, bytes, kind);
}

std::unique_lock<std::mutex> Warp::signal(Space space) {
  if (space != Space::global && space != Space::none) return {};
  return std::unique_lock<std::mutex>(cta_->launch->order.signals());
}

void Warp::release() { cta_->launch->order.release(grid_agent()); }

void Warp::acquire() { cta_->launch->order.acquire(grid_agent()); }

void Warp::proxy_fence(bool shared, bool global) {
  if (shared) cta_->cluster->order.proxy_fence(agent_, true, false);
  if (global) cta_->launch->order.proxy_fence(grid_agent());
}

/** Global memory: neighbouring lanes that read neighbouring bytes are noted as one stretch. */
void Warp::access_global(uint32_t mask, const uint64_t* addresses, uint32_t bytes, Access kind, uint8_t** out) {
  Range& range = worker_->ranges[pc_];
  uint64_t least = ~uint64_t{0}, most = 0, low_bits = 0;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (!(mask >> lane & 1)) continue;
    least = std::min(least, addresses[lane]);
    most = std::max(most, addresses[lane]);
    low_bits |= addresses[lane];
    out[lane] = reinterpret_cast<uint8_t*>(addresses[lane]);
  }
  bool simple = !(low_bits & (bytes - 1)) && least >= range.begin && most < range.end && most + bytes <= range.end &&
                (!writes(kind) || range.writable);
  if (!simple) {
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      int lane = __builtin_ctz(rest);
      check_alignment(addresses[lane], bytes, lane);
      global(addresses[lane], bytes, kind, lane);
    }
    return;
  }
  uint64_t begin = 0, end = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint64_t address = addresses[__builtin_ctz(rest)];
    if (address >= begin && address + bytes <= end) continue;
    if (address == end) {
      end += bytes;
      continue;
    }
    if (begin != end) note_global(range, begin, end - begin, kind);
    begin = address;
    end = address + bytes;
  }
  note_global(range, begin, end - begin, kind);
}

void Warp::access_all(Space space, uint32_t mask, const uint64_t* addresses, uint32_t bytes, Access kind,
                      uint8_t** out) {
  if (space == Space::global || space == Space::constant) {
    access_global(mask, addresses, bytes, kind, out);
    return count_access(Space::global, mask, addresses, bytes);
  }
  uint64_t in_space[kWarpLanes] = {};
  uint32_t in_shared = 0, in_global = 0, in_local = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    Place where = place(space, addresses[lane], lane);
    in_space[lane] = where.address;
    (where.space == Space::shared ? in_shared : where.space == Space::global ? in_global : in_local) |= 1u << lane;
    if (where.space == Space::param) in_local &= ~(1u << lane);
    if (where.space != Space::global) out[lane] = access(where, bytes, kind, lane);
  }
  if (in_global) access_global(in_global, addresses, bytes, kind, out);
  if (in_global) count_access(Space::global, in_global, addresses, bytes);
  if (in_shared) count_access(Space::shared, in_shared, in_space, bytes);
  if (in_local) {
    // A GPU interleaves the threads' local memory by words, so lanes at one offset are neighbours.
    for (int lane = 0; lane < kWarpLanes; ++lane) in_space[lane] = in_space[lane] * kWarpLanes + bytes * lane;
    count_access(Space::local, in_local, in_space, bytes);
  }
}

void Warp::count_access(Space space, uint32_t mask, const uint64_t* addresses, uint32_t bytes) {
  if (space == Space::shared) return count_passes(mask, addresses, bytes);
  InstructionCounts& own = counts();
  ++own.requests;
  own.bytes += uint64_t{bytes} * static_cast<uint32_t>(__builtin_popcount(mask));
  if (mask == kAllLanes && are_neighbours(addresses, bytes)) {
    own.sectors += (addresses[kWarpLanes - 1] + bytes - 1) / 32 - addresses[0] / 32 + 1;
    return;
  }
  uint64_t sectors[2 * kWarpLanes];
  int count = 0;
  bool ascending = true;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    uint64_t address = addresses[__builtin_ctz(rest)];
    for (uint64_t sector = address / 32; sector <= (address + bytes - 1) / 32; ++sector) {
      if (count && sectors[count - 1] == sector) continue;
      ascending = ascending && (!count || sectors[count - 1] < sector);
      sectors[count++] = sector;
    }
  }
  if (!ascending) {
    std::sort(sectors, sectors + count);
    count = static_cast<int>(std::unique(sectors, sectors + count) - sectors);
  }
  own.sectors += static_cast<uint64_t>(count);
}

/** 32 banks of 4 bytes. Lanes go together as far as they ask for 128 bytes: all, half a warp for 8 bytes each, a
 *  quarter for 16. In such a phase a bank serves one word a pass, to whoever wants it. */
void Warp::count_passes(uint32_t mask, const uint64_t* addresses, uint32_t bytes) {
  InstructionCounts& own = counts();
  int lanes_a_phase = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  own.bytes += uint64_t{bytes} * static_cast<uint32_t>(__builtin_popcount(mask));
  for (int first = 0; first < kWarpLanes; first += lanes_a_phase) {
    uint64_t words[kWarpLanes];
    uint8_t depth[32] = {};
    int count = 0;
    for (int lane = first; lane < first + lanes_a_phase; ++lane) {
      if (!(mask >> lane & 1)) continue;
      for (uint64_t word = addresses[lane] / 4; word <= (addresses[lane] + bytes - 1) / 4; ++word) {
        words[count++] = word;
      }
    }
    if (!count) continue;
    if (!std::is_sorted(words, words + count)) std::sort(words, words + count);
    int distinct = 0, passes = 0;
    for (int i = 0; i < count; ++i) {
      if (i && words[i] == words[i - 1]) continue;
      ++distinct;
      passes = std::max<int>(passes, ++depth[words[i] % 32]);
    }
    own.passes += static_cast<uint64_t>(passes);
    own.ideal_passes += static_cast<uint64_t>((distinct + 31) / 32);
  }
}

}  // namespace ternary::softgpu
