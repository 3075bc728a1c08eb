// mbarrier objects, and the copies that complete on them: cp.async.mbarrier.arrive and cp.async.bulk to shared memory.
#include "softgpu/opcodes/mbarrier.h"

#include <cstring>

#include "softgpu/code/opcode.h"
#include "softgpu/opcodes/async_copy.h"

namespace ternary::softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

constexpr uint32_t kMostArrivals = (1u << 20) - 1;

void Mbarrier::arrive(uint32_t count) {
  if (count > pending) {
    throw Fault(FaultKind::illegal,
                std::to_string(count) + " arrivals at an mbarrier that waits for " + std::to_string(pending));
  }
  pending -= count;
  complete_phase();
}

void Mbarrier::complete_transaction(int64_t bytes) {
  transaction_bytes -= bytes;
  complete_phase();
}

void Mbarrier::complete_phase() {
  if (pending != 0 || transaction_bytes != 0) return;
  ++phase;
  pending = expected;
  released.swap(clock);
  clock.clear();
}

void Mbarrier::land() {
  std::vector<std::function<void(Mbarrier&)>> work;
  work.swap(in_flight);
  for (auto& one : work) one(*this);
}

Mbarriers& Mbarriers::of(Cta& cta) {
  if (!cta.extension) cta.extension = std::make_unique<Mbarriers>();
  return static_cast<Mbarriers&>(*cta.extension);
}

Mbarrier& Mbarriers::at(uint64_t address) {
  const auto found = objects_.find(address);
  if (found == objects_.end()) {
    throw Fault(FaultKind::illegal, "there is no mbarrier at shared address " + std::to_string(address));
  }
  return found->second;
}

void Mbarriers::make(uint64_t address, uint32_t count) {
  if (count < 1 || count > kMostArrivals) {
    throw Fault(FaultKind::illegal, "an mbarrier for " + std::to_string(count) + " arrivals");
  }
  if (objects_.count(address)) throw Fault(FaultKind::illegal, "mbarrier.init of an mbarrier");
  Mbarrier& made = objects_[address];
  made.expected = made.pending = count;
}

void Mbarriers::remove(uint64_t address) {
  at(address);
  objects_.erase(address);
}

void Mbarriers::at_end() {
  for (const auto& [address, object] : objects_) {
    if (object.in_flight.empty()) continue;
    throw Fault(FaultKind::illegal, "the CTA ends while copies that complete on the mbarrier at shared address " +
                                        std::to_string(address) + " are in flight");
  }
}

namespace {

struct Object {
  Mbarrier* barrier;
  Place place;
};

/** The mbarrier of a lane, its use noted as `kind`. */
Object find_object(Warp& warp, const Instruction& instruction, const uint64_t* addresses, int lane, Access kind) {
  const Place place = warp.place(instruction.address[0].space, addresses[lane], lane);
  if (place.space != Space::shared) throw Fault(FaultKind::address, "an mbarrier that is not in shared memory", lane);
  warp.access(place, 8, kind, lane);
  return {kind == Access::write ? nullptr : &Mbarriers::of(*place.cta).at(place.address), place};
}

template <typename Visit>
Step each_object(Warp& warp, const Instruction& instruction, uint32_t mask, Access kind, Visit visit) {
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    visit(find_object(warp, instruction, addresses, lane, kind), lane);
  }
  return Step::next;
}

/** Operands: address, count. */
Step execute_init(Warp& warp, const Instruction& instruction, uint32_t mask) {
  return each_object(warp, instruction, mask, Access::write, [&](const Object& object, int lane) {
    Mbarriers::of(*object.place.cta).make(object.place.address, warp.lanes<uint32_t>(instruction.op[1])[lane]);
  });
}

Step execute_inval(Warp& warp, const Instruction& instruction, uint32_t mask) {
  return each_object(warp, instruction, mask, Access::write,
                     [](const Object& object, int) { Mbarriers::of(*object.place.cta).remove(object.place.address); });
}

/** What an arrive does besides: kept with the instruction. */
struct Arrive {
  bool expects, drops, counted, release, state;
};

/** Operands: address, then count or bytes if there is one, then the state's register if there is one. */
Step execute_arrive(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const Arrive& arrive = *static_cast<const Arrive*>(instruction.detail);
  return each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    Mbarrier& barrier = *object.barrier;
    uint32_t count = 1;
    const bool operand = arrive.expects || arrive.counted;
    const uint32_t given = operand ? warp.lanes<uint32_t>(instruction.op[1])[lane] : 0;
    if (arrive.expects) barrier.transaction_bytes += given;
    if (arrive.counted) count = given;
    if (arrive.state) warp.lanes<uint64_t>(instruction.op[operand ? 2 : 1])[lane] = barrier.phase;
    if (arrive.drops) barrier.expected -= count;
    if (arrive.release) warp.cta().cluster->order.release(warp.agent(), &barrier.clock);
    barrier.arrive(count);
  });
}

/** Operands: address, bytes; a: complete_tx instead of expect_tx. */
Step execute_transaction(Warp& warp, const Instruction& instruction, uint32_t mask) {
  return each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    const int64_t bytes = warp.lanes<uint32_t>(instruction.op[1])[lane];
    if (instruction.a) {
      object.barrier->complete_transaction(bytes);
    } else {
      object.barrier->transaction_bytes += bytes;
    }
  });
}

/** Operands: address, state or parity, p. a: by parity, b: try_wait, c: acquires. */
Step execute_wait(Warp& warp, const Instruction& instruction, uint32_t mask) {
  Cluster& cluster = *warp.cta().cluster;
  uint32_t complete = 0;
  each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    Mbarrier& barrier = *object.barrier;
    const auto is_complete = [&] {
      if (!instruction.a) return barrier.phase != warp.lanes<uint64_t>(instruction.op[1])[lane];
      return (barrier.phase & 1) != (warp.lanes<uint32_t>(instruction.op[1])[lane] & 1);
    };
    // Now and then what is in flight stays there a while, so that code which does not look at the answer is caught.
    const bool late = !barrier.in_flight.empty() && cluster.random() % 4 == 0;
    if (!is_complete() && !late) barrier.land();
    if (!is_complete()) return;
    complete |= 1u << lane;
    if (instruction.c) cluster.order.acquire(warp.agent(), barrier.released);
  });
  // try_wait may block for a time: it does until something has changed, so that waiting costs no steps.
  if (complete == 0 && instruction.b && cluster.random() % 2 == 0) return Step::wait;
  warp.set_predicate(instruction.op[2], mask, complete);
  return Step::next;
}

Space take_shared(Decoder& decoder) {
  return decoder.take_one_of({"shared", "shared::cta", "shared::cluster"}) ? Space::shared : Space::none;
}

void take_order(Decoder& decoder) {
  decoder.take_one_of({"cta", "cluster"});
  decoder.need_one_of({"b64"});
}

void decode_arrive(Decoder& decoder, Instruction& instruction, bool drops) {
  Arrive arrive = {};
  arrive.drops = drops;
  arrive.expects = decoder.take("expect_tx");
  arrive.release = !decoder.take("relaxed");
  if (arrive.release) decoder.take("release");
  const Space space = take_shared(decoder);
  take_order(decoder);
  decoder.need_operands(1, 3);
  const bool has_state = decoder.operand(0).kind != Operand::Kind::address;
  const size_t address = has_state ? 1 : 0, more = address + 1;
  decoder.read_address(address, space);
  arrive.counted = !arrive.expects && decoder.operand_count() > more;
  if (decoder.operand_count() > more) decoder.read(more, Type::u32);
  decoder.need(!arrive.expects || decoder.operand_count() > more, "the transaction's bytes are missing");
  arrive.state = has_state && decoder.operand(0).name != "_";
  if (arrive.state) decoder.write(0, Type::b64);
  instruction.detail = decoder.keep(arrive);
  instruction.execute = execute_arrive;
}

void decode_wait(Decoder& decoder, Instruction& instruction, bool tries) {
  instruction.a = decoder.take("parity");
  instruction.b = tries;
  instruction.c = !decoder.take("relaxed");
  if (instruction.c) decoder.take("acquire");
  const Space space = take_shared(decoder);
  take_order(decoder);
  decoder.need_operands(3, tries ? 4 : 3);
  decoder.read_address(1, space);
  decoder.read(2, instruction.a ? Type::u32 : Type::b64);
  decoder.write(0, Type::pred);
  if (decoder.operand_count() == 4) decoder.read(3, Type::u32);  // how long to wait at most
  instruction.execute = execute_wait;
}

void decode_mbarrier(Decoder& decoder, Instruction& instruction) {
  const std::string what = decoder.need_one_of(
      {"init", "inval", "arrive", "arrive_drop", "complete_tx", "test_wait", "try_wait", "expect_tx"});
  if (what == "arrive" || what == "arrive_drop") return decode_arrive(decoder, instruction, what == "arrive_drop");
  if (what == "test_wait" || what == "try_wait") return decode_wait(decoder, instruction, what == "try_wait");
  if (what == "expect_tx" || what == "complete_tx") decoder.take("relaxed");
  const Space space = take_shared(decoder);
  take_order(decoder);
  const size_t operands = what == "inval" ? 1 : 2;
  decoder.need_operands(operands, operands);
  decoder.read_address(0, space);
  if (operands == 2) decoder.read(1, Type::u32);
  instruction.a = what == "complete_tx";
  instruction.execute = what == "init" ? execute_init : what == "inval" ? execute_inval : execute_transaction;
}

/** The lane's copies become the object's, and with them an arrival of the lane. a: .noinc. */
Step execute_copies_arrive(Warp& warp, const Instruction& instruction, uint32_t mask) {
  return each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    if (!instruction.a) ++object.barrier->pending;
    Cta* cta = &warp.cta();
    const size_t agent = warp.agent();
    auto copies = AsyncCopies::of(warp).take(1u << lane);
    object.barrier->in_flight.push_back([cta, agent, copies](Mbarrier& barrier) {
      for (const AsyncCopy& copy : copies) AsyncCopies::land(*cta, agent, copy);
      cta->cluster->order.release(agent, &barrier.clock);
      barrier.arrive(1);
    });
  });
}

void decode_copies_arrive(Decoder& decoder, Instruction& instruction) {
  instruction.a = decoder.take("noinc");
  const Space space = take_shared(decoder);
  decoder.need_one_of({"b64"});
  decoder.need_operands(1, 1);
  decoder.read_address(0, space);
  instruction.execute = execute_copies_arrive;
}

constexpr uint32_t kBulkStep = 16;

/** Global to shared memory of a CTA of the cluster. Addresses: mbarrier, destination, source; op[3]: bytes. */
Step execute_bulk(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t to[kWarpLanes], from[kWarpLanes];
  warp.addresses(instruction, instruction.address[1], to);
  warp.addresses(instruction, instruction.address[2], from);
  return each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    const uint32_t bytes = warp.lanes<uint32_t>(instruction.op[3])[lane];
    if (bytes % kBulkStep != 0) throw Fault(FaultKind::misaligned, "a bulk size that is no multiple of 16", lane);
    const Place destination = warp.place(Space::shared, to[lane], lane);
    if (destination.cta != object.place.cta) {
      throw Fault(FaultKind::illegal, "a bulk copy to one CTA that completes on an mbarrier of another", lane);
    }
    std::vector<uint8_t> taken(bytes);
    for (uint32_t at = 0; at < bytes; at += kBulkStep) {
      std::memcpy(&taken[at], warp.access(Space::global, from[lane] + at, kBulkStep, Access::read, lane), kBulkStep);
      warp.access({Space::shared, destination.cta, destination.address + at}, kBulkStep, Access::write, lane);
    }
    destination.cta->shared.begin_copy(destination.address, bytes);
    const auto* source = reinterpret_cast<const uint8_t*>(from[lane]);
    const size_t agent = warp.agent();
    const int line = instruction.source->line;
    object.barrier->in_flight.push_back([=](Mbarrier& barrier) {
      if (std::memcmp(source, taken.data(), bytes) != 0) {
        throw Fault(FaultKind::race, "the source of a cp.async.bulk was written while the copy was in flight", lane);
      }
      std::memcpy(destination.cta->shared.end_copy(agent, destination.address, bytes, line), taken.data(), bytes);
      destination.cta->cluster->order.release(agent, &barrier.clock);
      barrier.complete_transaction(bytes);
    });
  });
}

void decode_bulk(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "cp.async.bulk needs sm_90");
  decoder.need_one_of({"shared::cluster", "shared::cta"});
  decoder.need_one_of({"global"});
  decoder.need_one_of({"mbarrier::complete_tx::bytes"});
  const size_t hint = decoder.take_cache_hints();
  decoder.need_operands(4 + hint, 4 + hint);
  decoder.read_address(3, Space::shared);
  decoder.read_address(0, Space::shared);
  decoder.read_address(1, Space::global);
  decoder.read(2, Type::u32);
  instruction.execute = execute_bulk;
}

constexpr OpcodeRow kRows[] = {
    {"mbarrier", decode_mbarrier}, {"cp.async.mbarrier.arrive", decode_copies_arrive}, {"cp.async.bulk", decode_bulk}};

}  // namespace

Family mbarrier_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
