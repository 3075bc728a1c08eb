#include "softgpu/blackwell/engine.h"

#include "softgpu/opcodes/mbarrier.h"

namespace ternary::softgpu {

Issue issue_to(EngineWork::Engine kind, Warp& warp) {
  Issue issue;
  issue.by = &warp.cta();
  issue.kind = kind;
  Order& order = issue.order();
  const uint32_t rank = issue.by->rank;
  issue.engine = kind == EngineWork::Engine::copy ? order.copies_of(rank) : order.tensor_core_of(rank);
  issue.line = warp.current().source->line;
  Clock known;
  order.release(warp.agent(), &known);
  order.acquire(issue.engine, known);
  issue.epoch = order.epoch(issue.engine);
  order.release(issue.engine, &issue.clock);
  return issue;
}

Issue next_part(const Issue& issue) {
  Issue next = issue;
  next.epoch = issue.order().epoch(issue.engine);
  issue.order().release(issue.engine, &next.clock);
  return next;
}

uint64_t enqueue(const Issue& issue, std::vector<Cta*> touches, std::function<void()> run) {
  EngineWork::Item item;
  item.engine = issue.kind;
  item.by = issue.by;
  item.touches = std::move(touches);
  item.line = issue.line;
  item.run = std::move(run);
  return issue.by->cluster->engine_work.add(std::move(item));
}

void complete(const Issue& issue, Cta& cta, uint64_t address, uint32_t bytes) {
  Mbarrier& barrier = Mbarriers::of(cta).at(address);
  Order::join(&barrier.clock, issue.clock);
  if (bytes != 0) {
    barrier.complete_transaction(bytes);
  } else {
    barrier.arrive(1);
  }
}

namespace {

template <typename Begin>
void begin(Warp& warp, const Issue& issue, Cta& cta, int lane, Begin begin_use) {
  if (&cta != issue.by) warp.visit(cta, issue.engine, issue.epoch, lane);
  try {
    begin_use();
  } catch (Fault& fault) {
    fault.lane = lane;
    throw;
  }
}

}  // namespace

void begin_write(Warp& warp, const Issue& issue, Cta& cta, uint64_t address, uint32_t bytes, int lane) {
  begin(warp, issue, cta, lane, [&] { cta.shared.begin_engine_write(issue.engine, address, bytes, issue.line); });
}

void begin_read(Warp& warp, const Issue& issue, Cta& cta, uint64_t address, uint32_t bytes, int lane) {
  begin(warp, issue, cta, lane, [&] { cta.shared.begin_engine_read(issue.engine, address, bytes, issue.line); });
}

Place find_mbarrier(Warp& warp, ptx::Space space, uint64_t address, int lane) {
  const Place place = warp.place(space, address, lane);
  if (place.space != ptx::Space::shared) {
    throw Fault(FaultKind::address, "an mbarrier that is not in shared memory", lane);
  }
  if (place.cta != &warp.cta())
    warp.visit(*place.cta, warp.agent(), place.cta->cluster->order.epoch(warp.agent()), lane);
  Mbarriers::of(*place.cta).at(place.address);
  return place;
}

Cta& cta_of_rank(Warp& warp, uint32_t rank, int lane) {
  const auto& ctas = warp.cta().cluster->ctas;
  if (rank < ctas.size()) return *ctas[rank];
  throw Fault(FaultKind::illegal, "CTA " + std::to_string(rank) + " of a cluster of " + std::to_string(ctas.size()),
              lane);
}

}  // namespace ternary::softgpu
