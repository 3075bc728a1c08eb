// atom and red on global and shared memory, of the own CTA and of others in the cluster. They are atomic on the host
// too, because the CTAs of a grid run on several threads.
#include <algorithm>
#include <cstring>

#include "softgpu/code/opcode.h"
#include "softgpu/exec/float_formats.h"
#include "softgpu/exec/warp.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

/** New value from the old one, b, and c (of cas). `shared`: the address is shared. */
template <typename Word>
using UpdateFn = Word (*)(Word old, Word b, Word c, bool shared);

template <typename Word, typename Value>
Word as_word(Value value) {
  Word word;
  std::memcpy(&word, &value, sizeof word);
  return word;
}

uint32_t flush(uint32_t bits) { return (bits & kInfinityF32) == 0 ? bits & ~kMagnitudeF32 : bits; }

/** PTX: on global memory denormals are flushed, operands and result; on shared memory they are kept. */
uint32_t add_f32(uint32_t old, uint32_t b, uint32_t, bool shared) {
  if (shared) return bits_of(float_of(old) + float_of(b));
  return flush(bits_of(float_of(flush(old)) + float_of(flush(b))));
}

uint64_t add_f64(uint64_t old, uint64_t b, uint64_t, bool) {
  return as_word<uint64_t>(as_word<double>(old) + as_word<double>(b));
}

template <typename Word>
struct Row {
  const char* op;
  std::initializer_list<Type> types;
  UpdateFn<Word> update;
};

template <typename Signed, typename Word>
bool less(Word a, Word b) {
  return static_cast<Signed>(a) < static_cast<Signed>(b);
}

template <typename Word, typename Signed>
const Row<Word>* find_row(const std::string& op, Type type) {
  constexpr bool wide = sizeof(Word) == 8;
  constexpr Type b = wide ? Type::b64 : Type::b32, u = wide ? Type::u64 : Type::u32, s = wide ? Type::s64 : Type::s32;
  static const Row<Word> rows[] = {
      {"exch", {b}, [](Word, Word value, Word, bool) { return value; }},
      {"cas", {b}, [](Word old, Word compare, Word value, bool) { return old == compare ? value : old; }},
      {"and", {b}, [](Word old, Word value, Word, bool) { return old & value; }},
      {"or", {b}, [](Word old, Word value, Word, bool) { return old | value; }},
      {"xor", {b}, [](Word old, Word value, Word, bool) { return old ^ value; }},
      {"add", {u, s}, [](Word old, Word value, Word, bool) { return old + value; }},
      {"min", {u}, [](Word old, Word value, Word, bool) { return std::min(old, value); }},
      {"max", {u}, [](Word old, Word value, Word, bool) { return std::max(old, value); }},
      {"min", {s}, [](Word old, Word value, Word, bool) { return less<Signed>(value, old) ? value : old; }},
      {"max", {s}, [](Word old, Word value, Word, bool) { return less<Signed>(old, value) ? value : old; }},
  };
  for (const Row<Word>& row : rows) {
    if (op == row.op && std::find(row.types.begin(), row.types.end(), type) != row.types.end()) return &row;
  }
  return nullptr;
}

template <typename Word>
UpdateFn<Word> find_update(const std::string& op, Type type);

template <>
UpdateFn<uint32_t> find_update(const std::string& op, Type type) {
  if (op == "add" && type == Type::f32) return add_f32;
  if (type == Type::u32 && op == "inc") {
    return [](uint32_t old, uint32_t limit, uint32_t, bool) { return old >= limit ? 0 : old + 1; };
  }
  if (type == Type::u32 && op == "dec") {
    return [](uint32_t old, uint32_t limit, uint32_t, bool) { return old == 0 || old > limit ? limit : old - 1; };
  }
  const auto* row = find_row<uint32_t, int32_t>(op, type);
  return row ? row->update : nullptr;
}

template <>
UpdateFn<uint64_t> find_update(const std::string& op, Type type) {
  if (op == "add" && type == Type::f64) return add_f64;
  const auto* row = find_row<uint64_t, int64_t>(op, type);
  return row ? row->update : nullptr;
}

template <typename Word>
struct Atomic {
  UpdateFn<Word> update;
  bool returns;  ///< atom, not red
  bool has_c;
  int width;  ///< elements of a vector form
};

template <typename Word>
Word exchange(uint8_t* bytes, const Atomic<Word>& atomic, Word b, Word c, bool shared) {
  auto* word = reinterpret_cast<Word*>(bytes);
  Word old = __atomic_load_n(word, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(word, &old, atomic.update(old, b, c, shared), true, __ATOMIC_SEQ_CST,
                                      __ATOMIC_RELAXED)) {
  }
  return old;
}

/** Operands: d ... (atom only), address, b ..., c (cas only). Lanes go in ascending order, as good as any. */
template <typename Word>
Step execute_atomic(Warp& warp, const Instruction& instruction, uint32_t mask) {
  const auto& atomic = *static_cast<const Atomic<Word>*>(instruction.detail);
  const Slot* b_slots = instruction.op + instruction.address[0].op + 1;
  const uint32_t vector_bytes = static_cast<uint32_t>(sizeof(Word)) * static_cast<uint32_t>(atomic.width);
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  if (instruction.releases) warp.release();
  std::unique_lock<std::mutex> signal = warp.signal(instruction.address[0].space);
  Space space = Space::global;
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const Place place = warp.place(instruction.address[0].space, addresses[lane], lane);
    space = place.space;
    if (space != Space::global && space != Space::shared) {
      throw Fault(FaultKind::address, "an atomic operation on memory that is neither global nor shared", lane);
    }
    uint8_t* bytes = warp.access(place, vector_bytes, Access::atomic, lane);
    for (int i = 0; i < atomic.width; ++i) {
      const Word b = warp.lanes<Word>(b_slots[i])[lane];
      const Word c = atomic.has_c ? warp.lanes<Word>(b_slots[1])[lane] : Word{0};
      const Word old = exchange(bytes + sizeof(Word) * static_cast<size_t>(i), atomic, b, c, space == Space::shared);
      if (atomic.returns) warp.lanes<Word>(instruction.op[i])[lane] = old;
    }
  }
  if (signal) signal.unlock();
  warp.count_access(space, mask, addresses, vector_bytes);
  if (instruction.acquires) warp.acquire();
  return Step::next;
}

struct Spelling {
  std::string op;
  Space space;
  Type type;
  size_t width;
};

Spelling take_spelling(Decoder& decoder, bool returns) {
  Spelling spelling;
  decoder.take_memory_order({"relaxed", "acquire", "release", "acq_rel"});
  const bool shared = decoder.take_one_of({"shared", "shared::cta", "shared::cluster"}) != nullptr;
  spelling.space = shared ? Space::shared : decoder.take("global") ? Space::global : Space::none;
  spelling.op = returns ? decoder.need_one_of({"and", "or", "xor", "cas", "exch", "add", "inc", "dec", "min", "max"})
                        : decoder.need_one_of({"and", "or", "xor", "add", "inc", "dec", "min", "max"});
  const char* vector = decoder.take_one_of({"v2", "v4"});
  spelling.width = vector ? static_cast<size_t>(vector[1] - '0') : 1;
  spelling.type =
      decoder.take_type({Type::b32, Type::b64, Type::u32, Type::u64, Type::s32, Type::s64, Type::f32, Type::f64});
  decoder.need(!vector || (spelling.type == Type::f32 && spelling.op == "add" && !shared && decoder.arch() >= 90),
               "vectors are for .add.f32 on global memory of sm_90");
  return spelling;
}

template <typename Word>
void decode_as(Decoder& decoder, Instruction& instruction, const Spelling& spelling, bool returns) {
  Atomic<Word> atomic = {};
  atomic.update = find_update<Word>(spelling.op, spelling.type);
  decoder.need(atomic.update != nullptr, "the operation does not go with the type");
  atomic.returns = returns;
  atomic.has_c = spelling.op == "cas";
  atomic.width = static_cast<int>(spelling.width);
  const size_t hint = decoder.take_cache_hints(), first = returns ? 1 : 0, count = first + 2 + atomic.has_c;
  decoder.need_operands(count + hint, count + hint);
  if (returns) decoder.write_vector(0, spelling.type, spelling.width);
  decoder.read_address(first, spelling.space);
  decoder.read_vector(first + 1, spelling.type, spelling.width);
  if (atomic.has_c) decoder.read(first + 2, spelling.type);
  if (hint) decoder.read(count, Type::b64);
  instruction.detail = decoder.keep(atomic);
  instruction.execute = execute_atomic<Word>;
}

void decode_atomic(Decoder& decoder, Instruction& instruction, bool returns) {
  const Spelling spelling = take_spelling(decoder, returns);
  if (ptx::bits(spelling.type) == 64) {
    decode_as<uint64_t>(decoder, instruction, spelling, returns);
  } else {
    decode_as<uint32_t>(decoder, instruction, spelling, returns);
  }
}

constexpr OpcodeRow kRows[] = {
    {"atom", [](Decoder& decoder, Instruction& instruction) { decode_atomic(decoder, instruction, true); }},
    {"red", [](Decoder& decoder, Instruction& instruction) { decode_atomic(decoder, instruction, false); }}};

}  // namespace

Family atomic_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
