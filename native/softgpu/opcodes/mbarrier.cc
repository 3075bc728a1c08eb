// mbarrier objects, and cp.async.mbarrier.arrive. What engines complete on them is in blackwell/.
#include "softgpu/opcodes/mbarrier.h"

#include <cstring>

#include "softgpu/code/opcode.h"
#include "softgpu/opcodes/async_copy.h"

namespace ternary::softgpu {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

constexpr uint32_t kMostArrivals = (1u << 20) - 1;
constexpr int64_t kMostTransaction = (1 << 20) - 1;

void Mbarrier::arrive(uint32_t count) {
  if (count > pending) {
    throw Fault(FaultKind::illegal,
                std::to_string(count) + " arrivals at an mbarrier that waits for " + std::to_string(pending));
  }
  pending -= count;
  complete_phase();
}

void Mbarrier::change_transaction(int64_t bytes) {
  transaction_bytes += bytes;
  if (transaction_bytes >= -kMostTransaction && transaction_bytes <= kMostTransaction) return;
  throw Fault(FaultKind::illegal, "an mbarrier's tx-count of " + std::to_string(transaction_bytes));
}

void Mbarrier::expect_transaction(int64_t bytes) { change_transaction(bytes); }

void Mbarrier::complete_transaction(int64_t bytes) {
  change_transaction(-bytes);
  complete_phase();
}

void Mbarrier::complete_phase() {
  if (pending != 0 || transaction_bytes != 0) return;
  ++phase;
  pending = expected;
  released.swap(clock);
  clock.clear();
}

Mbarriers& Mbarriers::of(Cta& cta) {
  if (!cta.mbarriers) cta.mbarriers = std::make_unique<Mbarriers>();
  return static_cast<Mbarriers&>(*cta.mbarriers);
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
  ++warp.cta().cluster->engine_work.events;
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
    object.place.cta->shared.note_init(object.place.address);
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
    if (arrive.expects) barrier.expect_transaction(given);
    if (arrive.counted) count = given;
    if (arrive.state) warp.lanes<uint64_t>(instruction.op[operand ? 2 : 1])[lane] = barrier.phase;
    if (arrive.drops) barrier.expected -= count;
    Order& order = warp.cta().cluster->order;
    if (arrive.release) order.release(warp.agent(), &barrier.clock);
    if (!arrive.release) order.release_fenced(warp.agent(), &barrier.clock);
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
      object.barrier->expect_transaction(bytes);
    }
  });
}

/** Operands: address, state or parity, p. a: by parity, b: try_wait, c: acquires. */
Step execute_wait(Warp& warp, const Instruction& instruction, uint32_t mask) {
  Cluster& cluster = *warp.cta().cluster;
  const uint64_t events = cluster.engine_work.events;
  uint32_t complete = 0;
  each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    const Mbarrier& barrier = *object.barrier;
    if (!instruction.a && barrier.phase == warp.lanes<uint64_t>(instruction.op[1])[lane]) return;
    if (instruction.a && (barrier.phase & 1) == (warp.lanes<uint32_t>(instruction.op[1])[lane] & 1)) return;
    complete |= 1u << lane;
    if (instruction.c) cluster.order.acquire(warp.agent(), barrier.released);
    if (!instruction.c) cluster.order.observe(warp.agent(), barrier.released);
  });
  cluster.engine_work.events = events;  // looking changes nothing
  // try_wait may block for a time. The first that fails may be a peek, after which the warp does something else; the
  // next of that place suspends it until something has changed, so that waiting costs no steps.
  if (complete == 0 && instruction.b) {
    uint64_t& failed = warp.failed_waits[warp.pc()];
    if (failed == events) return Step::wait;
    failed = events;
  }
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

/** An arrival that comes when the lane's copies have landed. a: .noinc. */
Step execute_copies_arrive(Warp& warp, const Instruction& instruction, uint32_t mask) {
  return each_object(warp, instruction, mask, Access::atomic, [&](const Object& object, int lane) {
    if (!instruction.a) ++object.barrier->pending;
    Cta* cta = &warp.cta();
    const size_t agent = warp.agent();
    const uint64_t address = object.place.address;
    EngineWork::Item item;
    item.by = cta;
    item.touches = {cta};
    item.line = instruction.source->line;
    item.run = [cta, agent, address, copies = AsyncCopies::of(warp).take(1u << lane)] {
      for (const AsyncCopy& copy : copies) AsyncCopies::land(*cta, agent, copy);
      Mbarrier& barrier = Mbarriers::of(*cta).at(address);
      cta->cluster->order.release(agent, &barrier.clock);
      barrier.arrive(1);
    };
    cta->cluster->engine_work.add(std::move(item));
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

constexpr OpcodeRow kRows[] = {{"mbarrier", decode_mbarrier}, {"cp.async.mbarrier.arrive", decode_copies_arrive}};

}  // namespace

Family mbarrier_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
