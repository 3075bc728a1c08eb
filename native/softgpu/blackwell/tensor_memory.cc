#include "softgpu/blackwell/tensor_memory.h"

#include <string>

namespace ternary::softgpu {

Cta& peer_of(Cta& cta) {
  const uint32_t rank = cta.rank ^ 1;
  if (rank < cta.cluster->ctas.size()) return *cta.cluster->ctas[rank];
  throw Fault(FaultKind::illegal, "cta_group::2 in a cluster without a pair");
}

Cta& leader_of(Cta& cta) { return cta.rank % 2 == 0 ? cta : peer_of(cta); }

TensorMemory& TensorMemory::of(Cta& cta) {
  if (!cta.tensor_memory) cta.tensor_memory = std::make_unique<TensorMemory>(cta);
  return static_cast<TensorMemory&>(*cta.tensor_memory);
}

TensorMemory::TensorMemory(Cta& cta)
    : cta_(cta),
      cells_(size_t{kLanes} * kTensorColumns),
      track_(kLanes / kTensorLanes * kTensorColumns * 4, &cta.cluster->order, SharedMemory::Kind::tensor) {}

/** One of the free places, at random: a kernel must not count on where it is. */
bool TensorMemory::find_place(uint32_t columns, const Columns& taken, uint32_t* column) const {
  std::vector<uint32_t> free_places;
  for (uint32_t place = 0; place + columns <= kTensorColumns; place += columns) {
    bool is_free = true;
    for (uint32_t unit = 0; unit < columns / kUnit; ++unit) is_free = is_free && !taken[place / kUnit + unit];
    if (is_free) free_places.push_back(place);
  }
  if (free_places.empty()) return false;
  *column = free_places[cta_.cluster->random() % free_places.size()];
  return true;
}

void TensorMemory::take(uint32_t columns, uint32_t column) {
  last_size_ = columns;
  for (uint32_t unit = 0; unit < columns / kUnit; ++unit) allocated_.set(column / kUnit + unit);
}

bool TensorMemory::allocate(uint32_t columns, bool pair, uint32_t* column) {
  if (columns < kUnit || columns > kTensorColumns || (columns & (columns - 1)) != 0) {
    throw Fault(FaultKind::illegal, "tcgen05.alloc of " + std::to_string(columns) + " columns");
  }
  if (relinquished_) throw Fault(FaultKind::illegal, "tcgen05.alloc after relinquish_alloc_permit");
  if (columns > last_size_) throw Fault(FaultKind::illegal, "tcgen05.alloc of more columns than the one before");
  if (!pair) {
    if (!find_place(columns, allocated_, column)) return false;
    take(columns, *column);
    return true;
  }
  TensorMemory& leader = of(leader_of(cta_));
  TensorMemory& peer = of(peer_of(cta_));
  const uint32_t side = cta_.rank % 2;
  if (leader.granted_[side ^ 1] && !leader.granted_[side]) return false;  // the peer has not seen the last place yet
  leader.arrived_[side] = true;
  if (!leader.granted_[side]) {
    if (!leader.arrived_[side ^ 1]) return false;
    if (!find_place(columns, allocated_ | peer.allocated_, &leader.granted_column_)) return false;
    take(columns, leader.granted_column_);
    peer.take(columns, leader.granted_column_);
    leader.granted_ = {true, true};
  }
  *column = leader.granted_column_;
  leader.granted_[side] = leader.arrived_[side] = false;
  return true;
}

void TensorMemory::free(Warp& warp, uint32_t column, uint32_t columns) {
  const TensorArea area{0, kLanes, column, columns};
  if (columns < kUnit || columns % kUnit != 0 || column % kUnit != 0) {
    throw Fault(FaultKind::illegal, "tcgen05.dealloc of what was not allocated");
  }
  check(area);
  begin_write(warp.agent(), area, warp.current().source->line);
  each_stretch(area, [&](uint32_t address, uint32_t bytes) { track_.forget(address, bytes); });
  for (uint32_t unit = 0; unit < columns / kUnit; ++unit) allocated_.reset(column / kUnit + unit);
}

void TensorMemory::follow(uint32_t address, const Issuer& issuer) {
  const Order& order = cta_.cluster->order;
  const auto [found, first] = issuers_.emplace(address, issuer);
  const Issuer last = found->second;
  found->second = issuer;
  if (first || last.warp == issuer.warp || order.before(last.engine, last.engine_epoch, issuer.warp) ||
      order.tensor_fenced(last.warp, last.epoch, issuer.warp)) {
    return;
  }
  throw Fault(FaultKind::race, "a product follows one of " + order.name(last.warp) +
                                   " into the accumulator, with no tcgen05.fence before and after the barrier between");
}

void TensorMemory::at_end() {
  if (allocated_.none()) return;
  throw Fault(FaultKind::illegal, "the CTA ends with " + std::to_string(allocated_.count() * kUnit) +
                                      " columns of tensor memory that no tcgen05.dealloc gave back");
}

void TensorMemory::check(const TensorArea& area) const {
  bool inside = area.lane + area.lanes <= kLanes && area.column + area.columns <= kTensorColumns;
  for (uint32_t unit = area.column / kUnit; inside && unit <= (area.column + area.columns - 1) / kUnit; ++unit) {
    inside = allocated_[unit];
  }
  if (inside) return;
  throw Fault(FaultKind::address, "tensor memory lanes " + std::to_string(area.lane) + " + " +
                                      std::to_string(area.lanes) + ", columns " + std::to_string(area.column) + " + " +
                                      std::to_string(area.columns) + ", which are not allocated");
}

/** Calls visit(address, bytes) for what the area is in track_. */
template <typename Visit>
void TensorMemory::each_stretch(const TensorArea& area, Visit visit) {
  check(area);
  for (uint32_t lane = area.lane; lane < area.lane + area.lanes; lane += kTensorLanes) {
    visit((lane / kTensorLanes * kTensorColumns + area.column) * 4, area.columns * 4);
  }
}

void TensorMemory::begin_read(size_t agent, const TensorArea& area, int line) {
  each_stretch(area, [&](uint32_t address, uint32_t bytes) { track_.begin_engine_read(agent, address, bytes, line); });
}

void TensorMemory::end_read(size_t agent, uint32_t epoch, const TensorArea& area, int line) {
  each_stretch(area,
               [&](uint32_t address, uint32_t bytes) { track_.end_engine_read(agent, epoch, address, bytes, line); });
}

void TensorMemory::begin_write(size_t agent, const TensorArea& area, int line) {
  each_stretch(area, [&](uint32_t address, uint32_t bytes) { track_.begin_engine_write(agent, address, bytes, line); });
}

void TensorMemory::end_write(size_t agent, uint32_t epoch, const TensorArea& area, int line) {
  each_stretch(area,
               [&](uint32_t address, uint32_t bytes) { track_.end_engine_write(agent, epoch, address, bytes, line); });
}

}  // namespace ternary::softgpu
