#include "softgpu/exec/grid_order.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

#include "softgpu/code/fault.h"

namespace ternary::softgpu {

GridOrder::GridOrder(uint32_t clusters) : maybe_written_(kFilter), clusters_(clusters) {}

void GridOrder::join(Known* known, const Known& other) {
  for (const auto& [cluster, clock] : other) {
    Clock& own = (*known)[cluster];
    own.resize(std::max(own.size(), clock.size()), 0);
    for (size_t i = 0; i < clock.size(); ++i) own[i] = std::max(own[i], clock[i]);
  }
}

GridOrder::AgentSide& GridOrder::side(const Agent& agent) {
  std::vector<AgentSide>& agents = clusters_[agent.cluster].agents;
  if (agents.size() <= agent.number) agents.resize(agent.order->agents());
  return agents[agent.number];
}

void GridOrder::release(const Agent& agent) {
  AgentSide& own = side(agent);
  ClusterSide& cluster = clusters_[agent.cluster];
  for (const Acquisition& acquisition : cluster.acquisitions) {
    if (agent.order->before(acquisition.agent, acquisition.epoch, agent.number)) {
      join(&own.published, acquisition.known);
    }
  }
  agent.order->release(agent.number, &own.published[agent.cluster]);
  own.fence_epoch = agent.order->epoch(agent.number);
}

void GridOrder::acquire(const Agent& agent) {
  side(agent);  // is made if need be
  ClusterSide& cluster = clusters_[agent.cluster];
  Known acquired;
  for (size_t other = 0; other < cluster.agents.size(); ++other) {
    for (const Observation& observation : cluster.agents[other].observed) {
      if (agent.order->before(other, observation.epoch, agent.number)) join(&acquired, observation.known);
    }
  }
  if (acquired.empty()) return;
  cluster.acquisitions.push_back({agent.number, agent.order->epoch(agent.number), std::move(acquired)});
}

void GridOrder::proxy_fence(const Agent& agent) {
  ClusterSide& cluster = clusters_[agent.cluster];
  const uint32_t epoch = agent.order->epoch(agent.number);
  for (const Acquisition& acquisition : cluster.acquisitions) {
    if (!agent.order->before(acquisition.agent, acquisition.epoch, agent.number)) continue;
    cluster.proxied.push_back({agent.number, epoch, acquisition.known});
  }
  agent.order->proxy_fence(agent.number, false, true);
}

bool GridOrder::proxied(const Agent& agent, const Stamp& stamp) const {
  if (!agent.order->is_engine(agent.number) || agent.order->is_engine(stamp.agent)) return true;
  if (stamp.cluster == agent.cluster) {
    return agent.order->before_engine_in_global(stamp.agent, stamp.epoch, agent.number);
  }
  const ClusterSide& cluster = clusters_[agent.cluster];
  for (const Acquisition& acquisition : cluster.acquisitions) {  // the writer's fence
    const auto known = acquisition.known.find(stamp.cluster);
    if (agent.order->before(acquisition.agent, acquisition.epoch, agent.number) && known != acquisition.known.end() &&
        agent.order->global_proxy_fenced(known->second, stamp.agent, stamp.epoch)) {
      return true;
    }
  }
  for (const Acquisition& fence : cluster.proxied) {
    const auto known = fence.known.find(stamp.cluster);
    if (agent.order->before(fence.agent, fence.epoch, agent.number) && known != fence.known.end() &&
        stamp.agent < known->second.size() && known->second[stamp.agent] >= stamp.epoch) {
      return true;
    }
  }
  return false;
}

bool GridOrder::ordered(const Agent& agent, const Stamp& stamp) const {
  if (stamp.cluster == agent.cluster) return agent.order->before(stamp.agent, stamp.epoch, agent.number);
  for (const Acquisition& acquisition : clusters_[agent.cluster].acquisitions) {
    if (!agent.order->before(acquisition.agent, acquisition.epoch, agent.number)) continue;
    const auto known = acquisition.known.find(stamp.cluster);
    if (known != acquisition.known.end() && stamp.agent < known->second.size() &&
        known->second[stamp.agent] >= stamp.epoch) {
      return true;
    }
  }
  return false;
}

void GridOrder::check(const Agent& agent, const Stamp& stamp, uint64_t word, bool wrote, Access kind,
                      bool strong) const {
  if (strong && stamp.strong) return;
  const bool in_order = ordered(agent, stamp);
  if (in_order && (!wrote || proxied(agent, stamp))) return;
  const bool near = stamp.cluster == agent.cluster;
  const char* missing = in_order ? "fence.proxy.async" : near ? "barrier or wait" : "fence, atomic and fence";
  char text[240];
  std::snprintf(text, sizeof text,
                "global address 0x%" PRIx64 " is %s%s after PTX line %d of %s %s it, with no %s between", word * 4,
                writes(kind) ? "written" : "read", agent.order->is_engine(agent.number) ? " by a copy engine" : "",
                stamp.line,
                agent.order->is_engine(stamp.agent) ? "a copy engine"
                : near                              ? "a warp of the cluster"
                                                    : "another CTA",
                wrote ? "wrote" : "read", missing);
  throw Fault(FaultKind::race, text);
}

/** An atomic or strong access as a signal: what was fenced before goes into it, what is in it may be acquired. */
void GridOrder::signal(const Agent& agent, Shard* shard, uint64_t word, Access kind) {
  AgentSide& own = side(agent);
  const auto found = shard->released.find(word);
  const uint32_t epoch = agent.order->epoch(agent.number);
  if (found != shard->released.end() && kind != Access::write) {
    if (own.observed.empty() || own.observed.back().epoch != epoch) own.observed.push_back({epoch, {}});
    join(&own.observed.back().known, found->second);
  }
  if (kind == Access::read) return;
  if (found != shard->released.end() && kind == Access::write) found->second.clear();
  const std::vector<AgentSide>& agents = clusters_[agent.cluster].agents;
  for (size_t other = 0; other < agents.size(); ++other) {
    const AgentSide& fenced = agents[other];
    if (fenced.fence_epoch == 0 || !agent.order->before(other, fenced.fence_epoch, agent.number)) continue;
    join(&shard->released[word], fenced.published);
  }
}

void GridOrder::note_word(const Agent& agent, uint64_t word, uint8_t mask, Access kind, bool strong, int line) {
  const uint64_t number = word * 4 / kPageBytes;
  Shard& shard = shards_[number % kShards];
  std::lock_guard<std::mutex> lock(shard.mutex);
  auto found = shard.pages.find(number);
  if (found == shard.pages.end()) {
    if (!writes(kind)) return;
    found = shard.pages.emplace(number, std::make_unique<Page>()).first;
  }
  Word& state = (*found->second)[word % (kPageBytes / 4)];
  if (strong) signal(agent, &shard, word, kind);
  if (state.last.mask & mask) check(agent, state.last, word, true, kind, strong);
  if (state.others) {
    for (const Stamp& stamp : *state.others) {
      if (stamp.mask & mask) check(agent, stamp, word, true, kind, strong);
    }
  }
  if (!writes(kind)) return;
  const auto read = shard.read_pages.find(number);
  if (read != shard.read_pages.end()) {
    check_readers(agent, &(*read->second)[word % (kPageBytes / 4)], word, mask, strong);
  }
  const Stamp stamp{agent.cluster, agent.epoch(), line, static_cast<uint16_t>(agent.number), mask, strong};
  // A plain write is ordered after all that it replaces; an atomic only replaces the warp's own.
  const auto replaced = [&](const Stamp& old) {
    const bool same = old.cluster == stamp.cluster && old.agent == stamp.agent && old.strong == stamp.strong;
    return (old.mask & ~mask) == 0 && (!strong || same || !old.strong);
  };
  if (state.others) {
    auto& others = *state.others;
    others.erase(std::remove_if(others.begin(), others.end(), replaced), others.end());
  }
  if (state.last.mask && !replaced(state.last)) {
    if (!state.others) state.others = std::make_unique<std::vector<Stamp>>();
    state.others->push_back(state.last);
  }
  state.last = stamp;
}

void GridOrder::note_reader(Readers* readers, const Stamp& stamp) {
  Stamp& last = readers->last;
  if (last.cluster == stamp.cluster && last.agent == stamp.agent) {
    const uint8_t before = last.epoch == stamp.epoch && last.strong == stamp.strong ? last.mask : uint8_t{0};
    last = stamp;
    last.mask |= before;
    return;
  }
  if (last.mask) {
    if (last.cluster != stamp.cluster) readers->other_warp = {};
    (last.cluster == stamp.cluster ? readers->other_warp : readers->other_cluster) = last;
  }
  last = stamp;
}

void GridOrder::note_reads(const Agent& agent, uint64_t address, uint64_t end, bool strong, int line) {
  Stamp stamp{agent.cluster, agent.epoch(), line, static_cast<uint16_t>(agent.number), 0, strong};
  while (address < end) {
    const uint64_t number = address / kPageBytes, here = std::min(end, (number + 1) * kPageBytes);
    Shard& shard = shards_[number % kShards];
    std::lock_guard<std::mutex> lock(shard.mutex);
    auto found = shard.read_pages.find(number);
    if (found == shard.read_pages.end()) {
      if (read_pages_left_ <= 0 || read_pages_left_.fetch_sub(1) <= 0) return;
      found = shard.read_pages.emplace(number, std::make_unique<ReadPage>()).first;
    }
    Readers* readers = found->second->data() + address % kPageBytes / 4;
    for (; address < here; ++readers) {
      const uint64_t from = address % 4, to = std::min(here - (address - from), uint64_t{4});
      stamp.mask = static_cast<uint8_t>((1u << to) - (1u << from));
      note_reader(readers, stamp);
      address += to - from;
    }
  }
}

/** A plain write comes after all readers, and what comes after it comes after them. */
void GridOrder::check_readers(const Agent& agent, Readers* readers, uint64_t word, uint8_t mask, bool strong) const {
  for (Stamp* stamp : {&readers->last, &readers->other_warp, &readers->other_cluster}) {
    if (!(stamp->mask & mask)) continue;
    check(agent, *stamp, word, false, Access::write, strong);
    if (!strong) stamp->mask &= static_cast<uint8_t>(~mask);
  }
}

void GridOrder::note(const Agent& agent, uint64_t address, uint64_t bytes, Access kind, bool strong, int line) {
  strong = strong || kind == Access::atomic;
  const uint64_t end = address + bytes;
  if (kind == Access::read) note_reads(agent, address, end, strong, line);
  if (!writes(kind)) {
    bool written = false;
    for (uint64_t at = address & ~uint64_t{255}; at < end; at += 256) {
      written |= maybe_written(at).load(std::memory_order_acquire) != 0;
    }
    if (!written) return;
  } else {
    for (uint64_t at = address & ~uint64_t{255}; at < end; at += 256) {
      maybe_written(at).store(1, std::memory_order_release);
    }
  }
  for (uint64_t word = address / 4; word * 4 < end; ++word) {
    const uint64_t from = std::max(address, word * 4) - word * 4, to = std::min(end, word * 4 + 4) - word * 4;
    note_word(agent, word, static_cast<uint8_t>((1u << to) - (1u << from)), kind, strong, line);
  }
}

}  // namespace ternary::softgpu
