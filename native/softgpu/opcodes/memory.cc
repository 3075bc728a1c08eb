/**
 * ld, st, ldu, prefetch: plain memory accesses. Host threads that run CTAs of one grid may touch the same words, so
 * each element is loaded and stored atomically.
 */
#include "softgpu/exec/lanes.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

/** What decode() knows of an access. */
struct AccessShape {
  Space space;
  Type type;
  uint32_t elements;
  uint32_t element_bytes;
};

template <class T>
T load_element(const uint8_t* from) {
  return __atomic_load_n(reinterpret_cast<const T*>(from), __ATOMIC_RELAXED);
}
template <class T>
void store_element(uint8_t* to, T value) {
  __atomic_store_n(reinterpret_cast<T*>(to), value, __ATOMIC_RELAXED);
}

/** A signed value fills the register, also where that is wider than the type. */
template <class T>
void load_lanes(Warp& warp, Slot slot, uint32_t mask, uint8_t* const* from, uint32_t offset) {
  if (slot.bits == 64) {
    uint64_t* to = warp.lanes<uint64_t>(slot);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      int lane = __builtin_ctz(rest);
      to[lane] = static_cast<uint64_t>(load_element<T>(from[lane] + offset));
    }
    return;
  }
  uint32_t* to = warp.lanes<uint32_t>(slot);
  uint32_t inside = slot.bits == 32 ? ~0u : (1u << slot.bits) - 1;
  if (mask == kAllLanes) {
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      to[lane] = static_cast<uint32_t>(load_element<T>(from[lane] + offset)) & inside;
    }
    return;
  }
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    to[lane] = static_cast<uint32_t>(load_element<T>(from[lane] + offset)) & inside;
  }
}

template <class T>
void store_lanes(Warp& warp, Slot slot, uint32_t mask, uint8_t* const* to, uint32_t offset) {
  const uint64_t* wide = warp.lanes<uint64_t>(slot);
  const uint32_t* narrow = warp.lanes<uint32_t>(slot);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    store_element<T>(to[lane] + offset, static_cast<T>(slot.bits == 64 ? wide[lane] : narrow[lane]));
  }
}

void load_lanes_128(Warp& warp, Slot slot, uint32_t mask, uint8_t* const* from, uint32_t offset) {
  uint64_t* to = warp.lanes<uint64_t>(slot);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    to[lane] = load_element<uint64_t>(from[lane] + offset);
    to[lane + kWarpLanes] = load_element<uint64_t>(from[lane] + offset + 8);
  }
}
void store_lanes_128(Warp& warp, Slot slot, uint32_t mask, uint8_t* const* to, uint32_t offset) {
  const uint64_t* from = warp.lanes<uint64_t>(slot);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    store_element<uint64_t>(to[lane] + offset, from[lane]);
    store_element<uint64_t>(to[lane] + offset + 8, from[lane + kWarpLanes]);
  }
}

/** a: the non-coherent path. */
Step execute_ld(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const AccessShape& shape = *static_cast<const AccessShape*>(instruction.detail);
  uint64_t addresses[kWarpLanes];
  uint8_t* from[kWarpLanes];
  const Address& address = instruction.address[0];
  warp.addresses(instruction, address, addresses);
  std::unique_lock<std::mutex> signal;
  if (instruction.strong) signal = warp.signal(address.space);
  warp.access_all(address.space, mask, addresses, shape.elements * shape.element_bytes,
                  instruction.a ? Access::read_only : Access::read, from);
  for (uint32_t i = 0; i < shape.elements; ++i) {
    Slot slot = instruction.op[i];
    uint32_t offset = i * shape.element_bytes;
    switch (shape.type) {
      case Type::s8: load_lanes<int8_t>(warp, slot, mask, from, offset); break;
      case Type::s16: load_lanes<int16_t>(warp, slot, mask, from, offset); break;
      case Type::s32: load_lanes<int32_t>(warp, slot, mask, from, offset); break;
      default:
        switch (shape.element_bytes) {
          case 1: load_lanes<uint8_t>(warp, slot, mask, from, offset); break;
          case 2: load_lanes<uint16_t>(warp, slot, mask, from, offset); break;
          case 4: load_lanes<uint32_t>(warp, slot, mask, from, offset); break;
          case 8: load_lanes<uint64_t>(warp, slot, mask, from, offset); break;
          default: load_lanes_128(warp, slot, mask, from, offset); break;
        }
    }
  }
  if (signal) signal.unlock();
  if (instruction.acquires) warp.acquire();
  return Step::next;
}

Step execute_st(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const AccessShape& shape = *static_cast<const AccessShape*>(instruction.detail);
  uint64_t addresses[kWarpLanes];
  uint8_t* to[kWarpLanes];
  const Address& address = instruction.address[0];
  if (instruction.releases) warp.release();
  warp.addresses(instruction, address, addresses);
  std::unique_lock<std::mutex> signal;
  if (instruction.strong) signal = warp.signal(address.space);
  warp.access_all(address.space, mask, addresses, shape.elements * shape.element_bytes, Access::write, to);
  for (uint32_t i = 0; i < shape.elements; ++i) {
    Slot slot = instruction.op[1 + i];
    uint32_t offset = i * shape.element_bytes;
    switch (shape.element_bytes) {
      case 1: store_lanes<uint8_t>(warp, slot, mask, to, offset); break;
      case 2: store_lanes<uint16_t>(warp, slot, mask, to, offset); break;
      case 4: store_lanes<uint32_t>(warp, slot, mask, to, offset); break;
      case 8: store_lanes<uint64_t>(warp, slot, mask, to, offset); break;
      default: store_lanes_128(warp, slot, mask, to, offset); break;
    }
  }
  return Step::next;
}

/** Entry parameters are the same for all lanes. */
Step execute_ld_param(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const AccessShape& shape = *static_cast<const AccessShape*>(instruction.detail);
  uint64_t addresses[kWarpLanes];
  uint8_t* from[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  const AlignedBytes& params = warp.cta().launch->config.params;
  uint32_t bytes = shape.elements * shape.element_bytes;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    int lane = __builtin_ctz(rest);
    if (addresses[lane] + bytes > params.size()) {
      throw Fault(FaultKind::address,
                  "parameter byte " + std::to_string(addresses[lane]) + " of " + std::to_string(params.size()), lane);
    }
    from[lane] = const_cast<uint8_t*>(params.data()) + addresses[lane];
  }
  for (uint32_t i = 0; i < shape.elements; ++i) {
    Slot slot = instruction.op[i];
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      int lane = __builtin_ctz(rest);
      uint64_t value = 0;
      std::memcpy(&value, from[lane] + i * shape.element_bytes, shape.element_bytes);
      if (ptx::is_signed(shape.type) && shape.element_bytes < 8) {
        int unused = 64 - 8 * static_cast<int>(shape.element_bytes);
        value = static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
      }
      if (slot.bits == 64) {
        warp.lanes<uint64_t>(slot)[lane] = value;
      } else {
        warp.lanes<uint32_t>(slot)[lane] = static_cast<uint32_t>(slot.bits == 16 ? value & 0xffff : value);
      }
    }
  }
  return Step::next;
}

Space take_space(Decoder& decoder) {
  if (decoder.take("global")) return Space::global;
  if (decoder.take("shared") || decoder.take("shared::cta") || decoder.take("shared::cluster")) return Space::shared;
  if (decoder.take("local")) return Space::local;
  if (decoder.take("const")) return Space::constant;
  if (decoder.take("param") || decoder.take("param::entry") || decoder.take("param::func")) return Space::param;
  return Space::none;
}

uint32_t take_vector(Decoder& decoder) {
  const char* vector = decoder.take_one_of({"v2", "v4", "v8"});
  return vector ? static_cast<uint32_t>(vector[1] - '0') : 1;
}

/** Modifiers that change when a line leaves a cache, and how an access is ordered. */
void take_order_and_cache(Decoder& decoder, bool load) {
  if (load) {
    decoder.take_memory_order({"weak", "volatile", "relaxed", "acquire"});
    decoder.take_one_of({"ca", "cg", "cs", "lu", "cv"});
  } else {
    decoder.take_memory_order({"weak", "volatile", "relaxed", "release"});
    decoder.take_one_of({"wb", "cg", "cs", "wt"});
  }
}

const AccessShape* take_shape(Decoder& decoder) {
  AccessShape shape;
  shape.space = take_space(decoder);
  shape.elements = take_vector(decoder);
  shape.type = decoder.take_type();
  shape.element_bytes = static_cast<uint32_t>(ptx::bits(shape.type)) / 8;
  decoder.need(shape.type != Type::pred, "a predicate has no memory");
  decoder.need(shape.elements * shape.element_bytes <= 32, "more than 32 bytes");
  decoder.need(shape.elements * shape.element_bytes <= 16 || decoder.arch() >= 100, "32 bytes need sm_100");
  return decoder.keep(shape);
}

void decode_ld(Decoder& decoder, Instruction& instruction) {
  take_order_and_cache(decoder, true);
  bool read_only = decoder.take("nc");
  bool hint = decoder.take_cache_hints();
  const AccessShape* shape = take_shape(decoder);
  instruction.detail = shape;
  decoder.need(!read_only || shape->space == Space::global, ".nc needs .global");
  instruction.a = read_only;
  decoder.need_operands(hint ? 3 : 2, hint ? 3 : 2);
  const ptx::Operand& result = decoder.operand(0);
  if (shape->elements == 1) {
    decoder.write_wider(result, shape->type);
  } else {
    decoder.need(result.elements.size() == shape->elements, "a vector of another length");
    for (const ptx::Operand& element : result.elements) decoder.write_wider(element, shape->type);
  }
  decoder.read_address(1, shape->space);
  if (hint) decoder.read(2, Type::b64);
  instruction.execute = instruction.address[0].space == Space::param ? execute_ld_param : execute_ld;
}

/** The same path as ld.global.nc. */
void decode_ldu(Decoder& decoder, Instruction& instruction) {
  const AccessShape* shape = take_shape(decoder);
  decoder.need(shape->space == Space::global || shape->space == Space::none, "ldu reads global memory");
  instruction.detail = shape;
  instruction.a = true;
  decoder.need_operands(2, 2);
  const ptx::Operand& result = decoder.operand(0);
  for (const ptx::Operand& element : shape->elements == 1 ? std::vector<ptx::Operand>{result} : result.elements) {
    decoder.write_wider(element, shape->type);
  }
  decoder.read_address(1, shape->space);
  instruction.execute = execute_ld;
}

void decode_st(Decoder& decoder, Instruction& instruction) {
  take_order_and_cache(decoder, false);
  bool hint = decoder.take_cache_hints();
  const AccessShape* shape = take_shape(decoder);
  instruction.detail = shape;
  decoder.need_operands(hint ? 3 : 2, hint ? 3 : 2);
  decoder.read_address(0, shape->space);
  decoder.need(instruction.address[0].space != Space::param, "parameters of a kernel cannot be written");
  decoder.need(instruction.address[0].space != Space::constant, "constants cannot be written");
  const ptx::Operand& value = decoder.operand(1);
  if (shape->elements == 1) {
    decoder.read_wider(value, shape->type);
  } else {
    decoder.need(value.elements.size() == shape->elements, "a vector of another length");
    for (const ptx::Operand& element : value.elements) decoder.read_wider(element, shape->type);
  }
  if (hint) decoder.read(2, Type::b64);
  instruction.execute = execute_st;
}

Step execute_nothing(Warp&, const Instruction&, uint32_t) { return Step::next; }

/** Changes caches only, so not even the address is looked at: a prefetch of any address is harmless. */
void decode_prefetch(Decoder& decoder, Instruction& instruction) {
  Space space = take_space(decoder);
  decoder.need_one_of({"L1", "L2", "L2::evict_last", "L2::evict_normal"});
  decoder.need_operands(1, 1);
  decoder.read_address(0, space);
  instruction.execute = execute_nothing;
}

const OpcodeRow kRows[] = {
    {"ld", decode_ld},
    {"ldu", decode_ldu},
    {"st", decode_st},
    {"prefetch", decode_prefetch},
};

}  // namespace

Family memory_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
