// cp.async.bulk.tensor: boxes of tensors that a map describes, into shared memory and out of it.
#include <cstring>

#include "softgpu/blackwell/bulk_copy.h"
#include "softgpu/blackwell/bulk_groups.h"
#include "softgpu/blackwell/tensor_map.h"
#include "softgpu/code/opcode.h"

namespace ternary::softgpu {
namespace {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

/** Shared memory of a box begins at such an address. */
constexpr uint32_t kBoxAlignment = 128;
constexpr uint32_t kUnit = 16;  ///< what swizzles move

/** What the modifiers say: kept with the instruction. */
struct Form {
  int rank;
  bool multicast, pair;  ///< .multicast::cluster, .cta_group::2
};

/** A map as it was at the time, and where from if it lies in memory that may change. */
struct MapUse {
  TensorMap map;
  Source source;
};

/** Lies in the parameters of the launch or in global memory. */
MapUse read_map(Warp& warp, uint64_t address, int lane) {
  MapUse use;
  if (address % 64 != 0) throw Fault(FaultKind::misaligned, "a tensor map that is not aligned to 64 bytes", lane);
  auto* bytes = reinterpret_cast<uint8_t*>(&use.map);
  for (uint32_t at = 0; at < sizeof use.map; at += 16) {
    std::memcpy(bytes + at, warp.access(Space::none, address + at, 16, Access::read, lane), 16);
  }
  if (warp.place(Space::none, address, lane).space == Space::global) use.source.keep(address, bytes, sizeof use.map);
  return use;
}

/** One row of the box: where it lies in the box and in global memory, and what of it is inside the tensor. */
struct Row {
  uint32_t offset = 0;  ///< in the box, of the row's first byte that is inside
  uint32_t bytes = 0;
  uint64_t address = 0;
};

/** The rows of a box at these coordinates that have anything inside the tensor. */
std::vector<Row> rows_of(const TensorMap& map, const int32_t* coordinates) {
  std::vector<Row> rows;
  const uint32_t inner = map.inner_bytes(), count = map.box_bytes() / inner;
  for (uint32_t number = 0; number < count; ++number) {
    uint64_t address = map.address;
    bool inside = true;
    uint32_t rest = number;
    for (int i = 1; i < map.rank; ++i) {
      const int64_t at = int64_t{coordinates[i]} + rest % map.box[i];
      rest /= map.box[i];
      inside = inside && at >= 0 && at <= int64_t{map.last[i]};
      address += map.strides[i] * static_cast<uint64_t>(at);
    }
    const int64_t first = std::max<int64_t>(0, -int64_t{coordinates[0]});
    const int64_t end = std::min<int64_t>(map.box[0], int64_t{map.last[0]} + 1 - coordinates[0]);
    if (!inside || first >= end) continue;
    address += static_cast<uint64_t>(coordinates[0] + first) * map.element_bytes;
    rows.push_back({number * inner + static_cast<uint32_t>(first) * map.element_bytes,
                    static_cast<uint32_t>(end - first) * map.element_bytes, address});
  }
  return rows;
}

void check_use(const TensorMap& map, const Form& form, uint64_t shared_address, int lane) {
  if (map.mark != TensorMap::kMark) throw Fault(FaultKind::illegal, "this is no tensor map", lane);
  if (map.rank != form.rank) throw Fault(FaultKind::illegal, "the tensor map has another rank", lane);
  if (shared_address % kBoxAlignment != 0) {
    throw Fault(FaultKind::misaligned, "a box that is not aligned to 128 bytes of shared memory", lane);
  }
  const uint32_t span = swizzle_span(map.swizzle);
  if (span != 0 && map.inner_bytes() != span) {
    throw Fault(FaultKind::illegal, "a swizzled box whose rows are shorter than the swizzle's is not known", lane);
  }
}

/** Where a load writes and completes: the own CTA, or all CTAs of a mask. */
struct Destination {
  Cta* cta;
  Cta* barrier_cta;
};

std::vector<Destination> destinations_of(Warp& warp, const Form& form, const Place& to, const Place& barrier,
                                         uint32_t cta_mask, int lane) {
  std::vector<Destination> found;
  if (!form.multicast) {
    const bool allowed = form.pair ? (to.cta->rank ^ barrier.cta->rank) <= 1 : to.cta == barrier.cta;
    if (!allowed) throw Fault(FaultKind::illegal, "a copy to one CTA that completes on an mbarrier of another", lane);
    return {{to.cta, barrier.cta}};
  }
  for (uint32_t rest = cta_mask; rest; rest &= rest - 1) {
    const uint32_t rank = static_cast<uint32_t>(__builtin_ctz(rest));
    Cta& cta = cta_of_rank(warp, rank, lane);
    // Of a pair the CTA with the parity of the one that the operand names; else each its own.
    Cta& other = form.pair ? cta_of_rank(warp, (rank & ~1u) | (barrier.cta->rank & 1), lane) : cta;
    found.push_back({&cta, &other});
  }
  return found;
}

/** Operands in order: mbarrier, box, map, then coordinates, then the mask of CTAs if there is one. */
void load(Warp& warp, const Instruction& instruction, const uint64_t* addresses, uint32_t lanes) {
  const int lane = __builtin_ctz(lanes);
  const Form& form = *static_cast<const Form*>(instruction.detail);
  const Place barrier = find_mbarrier(warp, Space::shared, addresses[0], lane);
  const Place to = warp.place(Space::shared, addresses[1], lane);
  const MapUse use = read_map(warp, addresses[2], lane);
  check_use(use.map, form, to.address, lane);
  int32_t coordinates[kMostDimensions];
  for (int i = 0; i < form.rank; ++i) {
    coordinates[i] = static_cast<int32_t>(warp.lanes<uint32_t>(instruction.op[3 + i])[lane]);
  }
  const uint32_t cta_mask = form.multicast ? warp.lanes<uint32_t>(instruction.op[3 + form.rank])[lane] & 0xffff : 0;
  const std::vector<Destination> destinations = destinations_of(warp, form, to, barrier, cta_mask, lane);

  const Issue issue = issue_to(EngineWork::Engine::copy, warp);
  const uint32_t bytes = use.map.box_bytes();
  auto box = std::make_shared<std::vector<uint8_t>>(bytes);  // zeros where the tensor is not
  Source source;
  for (const Row& row : rows_of(use.map, coordinates)) {
    source.take(warp, issue, row.address, row.bytes, box->data() + row.offset, lane);
  }
  for (const Destination& one : destinations) {
    begin_write(warp, issue, *one.cta, to.address, bytes, lane);
    // Each of a multicast on its own: they need not arrive together.
    enqueue(issue, {one.cta, one.barrier_cta}, [=] {
      use.source.check("the tensor map");
      source.check("the source of a cp.async.bulk.tensor");
      uint8_t* shared = one.cta->shared.end_engine_write(issue.engine, issue.epoch, to.address, bytes, issue.line);
      for (uint32_t at = 0; at < bytes; at += kUnit) {
        std::memcpy(shared + (swizzled(use.map.swizzle, to.address + at) - to.address), box->data() + at, kUnit);
      }
      complete(issue, *one.barrier_cta, barrier.address, bytes);
    });
  }
}

/** Operands in order: map, box, then coordinates. */
void store(Warp& warp, const Instruction& instruction, const uint64_t* addresses, uint32_t lanes) {
  const int lane = __builtin_ctz(lanes);
  const Form& form = *static_cast<const Form*>(instruction.detail);
  const MapUse use = read_map(warp, addresses[0], lane);
  const Place from = warp.place(Space::shared, addresses[1], lane);
  check_use(use.map, form, from.address, lane);
  if (from.cta != &warp.cta()) throw Fault(FaultKind::address, "a store from another CTA's memory", lane);
  int32_t coordinates[kMostDimensions];
  for (int i = 0; i < form.rank; ++i) {
    coordinates[i] = static_cast<int32_t>(warp.lanes<uint32_t>(instruction.op[2 + i])[lane]);
  }
  const Issue issue = issue_to(EngineWork::Engine::copy, warp);
  const uint32_t bytes = use.map.box_bytes();
  auto rows = std::make_shared<std::vector<Row>>(rows_of(use.map, coordinates));
  const Issue writing = next_part(issue);
  for (const Row& row : *rows) note_write(warp, writing, row.address, row.bytes, lane);
  begin_read(warp, issue, *from.cta, from.address, bytes, lane);
  const uint64_t item = enqueue(issue, {}, [=] {
    use.source.check("the tensor map");
    const uint8_t* shared =
        from.cta->shared.end_engine_read(issue.engine, issue.epoch, from.address, bytes, issue.line);
    for (const Row& row : *rows) {
      auto* global = reinterpret_cast<uint8_t*>(row.address);
      for (uint32_t i = 0; i < row.bytes; ++i) {
        global[i] = shared[swizzled(use.map.swizzle, from.address + row.offset + i) - from.address];
      }
    }
  });
  BulkGroups::of(warp).add(lanes, item, issue, writing);
}

using AddressLanes = uint64_t[4][kWarpLanes];

/** The lanes of `mask` that store the same box as its first lane: CUTLASS 4.2 has all of a warp do that, for which the
 *  hardware has one instruction of the warp. */
uint32_t same_store(Warp& warp, const Instruction& instruction, const AddressLanes& addresses, uint32_t mask) {
  const Form& form = *static_cast<const Form*>(instruction.detail);
  const int first = __builtin_ctz(mask);
  uint32_t same = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    bool is_same = true;
    for (int i = 0; i < instruction.address_count; ++i) is_same &= addresses[i][lane] == addresses[i][first];
    for (int i = 0; i < form.rank; ++i) {
      const uint32_t* coordinates = warp.lanes<uint32_t>(instruction.op[2 + i]);
      is_same &= coordinates[lane] == coordinates[first];
    }
    if (is_same) same |= 1u << lane;
  }
  return same;
}

template <bool loads>
Step execute_copy(Warp& warp, const Instruction& instruction, uint32_t mask) {
  AddressLanes all = {};
  for (int i = 0; i < instruction.address_count; ++i) warp.addresses(instruction, instruction.address[i], all[i]);
  while (mask != 0) {
    const int lane = __builtin_ctz(mask);
    const uint64_t addresses[4] = {all[0][lane], all[1][lane], all[2][lane], all[3][lane]};
    const uint32_t lanes = loads ? 1u << lane : same_store(warp, instruction, all, mask);
    (loads ? load : store)(warp, instruction, addresses, lanes);
    mask &= ~lanes;
  }
  return Step::next;
}

/** [map, {coordinates}]: adds the map's address; the coordinates are added by read_coordinates(). */
void check_tensor_operand(Decoder& decoder, size_t index, int rank) {
  const Operand& operand = decoder.operand(index);
  const bool right = operand.kind == Operand::Kind::address && operand.elements.size() == 2 &&
                     operand.elements[1].elements.size() == static_cast<size_t>(rank);
  decoder.need(right, "a tensor map with as many coordinates as dimensions is needed");
}

void read_coordinates(Decoder& decoder, size_t index) {
  for (const Operand& one : decoder.operand(index).elements[1].elements) decoder.read(one, Type::b32);
}

void decode_tensor(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 90, "cp.async.bulk.tensor needs sm_90");
  Form form = {};
  form.rank = decoder.need_one_of({"1d", "2d", "3d", "4d", "5d"})[0] - '0';
  decoder.take("tile");
  decoder.need_one_of({"global"});
  const bool loads = decoder.take("mbarrier::complete_tx::bytes");
  const size_t hint = decoder.take_cache_hints();
  if (loads) {
    decoder.need_one_of({"shared::cluster", "shared::cta"});
    form.multicast = decoder.take("multicast::cluster");
    form.pair = decoder.take("cta_group::2");
    if (!form.pair) decoder.take("cta_group::1");
    const size_t count = 3 + form.multicast + hint;
    decoder.need_operands(count, count);
    check_tensor_operand(decoder, 1, form.rank);
    decoder.read_address(2, Space::shared);
    decoder.read_address(0, Space::shared);
    decoder.read_address(1, Space::none);
    read_coordinates(decoder, 1);
    if (form.multicast) decoder.read(3, Type::b16);
  } else {
    decoder.need_one_of({"shared::cta"});
    decoder.need_one_of({"bulk_group"});
    decoder.need_operands(2 + hint, 2 + hint);
    check_tensor_operand(decoder, 0, form.rank);
    decoder.read_address(0, Space::none);
    decoder.read_address(1, Space::shared);
    read_coordinates(decoder, 0);
  }
  instruction.detail = decoder.keep(form);
  instruction.execute = loads ? execute_copy<true> : execute_copy<false>;
}

/** Changes speed alone, so that it need be no map: CUTLASS gives it one of C where there is no C. */
void decode_prefetch(Decoder& decoder, Instruction& instruction) {
  decoder.take("param");
  decoder.need_operands(1, 1);
  decoder.read_address(0, Space::none);
  instruction.execute = [](Warp& warp, const Instruction& prefetch, uint32_t mask) {
    uint64_t addresses[kWarpLanes];
    warp.addresses(prefetch, prefetch.address[0], addresses);
    for (uint32_t rest = mask; rest; rest &= rest - 1)
      read_map(warp, addresses[__builtin_ctz(rest)], __builtin_ctz(rest));
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"cp.async.bulk.tensor", decode_tensor}, {"prefetch.tensormap", decode_prefetch}};

}  // namespace

Family tensor_copy_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
