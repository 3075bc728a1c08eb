#include "softgpu/blackwell/mma_descriptors.h"

#include <string>

#include "softgpu/code/fault.h"

namespace ternary::softgpu {
namespace {

uint32_t field(uint64_t bits, int first, int count) {
  return static_cast<uint32_t>(bits >> first & ((uint64_t{1} << count) - 1));
}

void need(bool condition, const std::string& what) {
  if (!condition) throw Fault(FaultKind::illegal, what);
}

MmaType type_of(uint32_t code, bool integers) {
  need(code <= 1, "instruction descriptor: element type " + std::to_string(code));
  if (integers) return code ? MmaType::s8 : MmaType::u8;
  return code ? MmaType::bf16 : MmaType::f16;
}

/** Table "Various combinations of .kind and shapes". */
void check_shape(const MmaShape& shape, bool pair) {
  const bool m_right = pair ? shape.m == 128 || shape.m == 256 : shape.m == 64 || shape.m == 128;
  need(m_right, "instruction descriptor: M = " + std::to_string(shape.m));
  bool n_right;
  if (shape.integers) {
    n_right = pair ? shape.n % 32 == 0 : shape.n == 8 || shape.n == 24 || shape.n % 16 == 0;
  } else {
    n_right = shape.n % (pair ? 16 : 8) == 0;
  }
  need(n_right && shape.n >= 8 && shape.n <= 256, "instruction descriptor: N = " + std::to_string(shape.n));
}

}  // namespace

MmaShape decode_instruction_descriptor(uint32_t bits, bool integers, bool pair) {
  need(field(bits, 0, 3) == 0, "instruction descriptor: sparse operands are not known");
  need(field(bits, 6, 1) == 0 && field(bits, 23, 1) == 0 && field(bits, 29, 3) == 0,
       "instruction descriptor: reserved bits are set");
  need(field(bits, 13, 2) == 0, "instruction descriptor: negated operands are not known");
  need(field(bits, 15, 2) == 0, "instruction descriptor: MN-major operands are not known");
  need(field(bits, 4, 2) == (integers ? 2u : 1u), "instruction descriptor: the accumulator's type is not known");
  MmaShape shape = {};
  shape.integers = integers;
  shape.saturates = field(bits, 3, 1) != 0;
  need(integers || !shape.saturates, "instruction descriptor: floats do not saturate");
  shape.a = type_of(field(bits, 7, 3), integers);
  shape.b = type_of(field(bits, 10, 3), integers);
  shape.n = field(bits, 17, 6) * 8;
  shape.m = field(bits, 24, 5) * 16;
  check_shape(shape, pair);
  return shape;
}

MmaOperand decode_shared_descriptor(uint64_t bits) {
  need(field(bits, 46, 3) == 1, "shared memory descriptor: the version is not Blackwell's");
  need(field(bits, 14, 2) == 0 && field(bits, 30, 2) == 0 && field(bits, 53, 8) == 0,
       "shared memory descriptor: reserved bits are set");
  need(field(bits, 49, 3) == 0, "shared memory descriptor: a base offset is not known");
  need(field(bits, 52, 1) == 0, "shared memory descriptor: absolute leading dimensions are not known");
  MmaOperand operand = {};
  operand.start = uint64_t{field(bits, 0, 14)} << 4;
  operand.leading = uint64_t{field(bits, 16, 14)} << 4;
  operand.stride = uint64_t{field(bits, 32, 14)} << 4;
  switch (field(bits, 61, 3)) {
    case 0: operand.swizzle = Swizzle::none; break;
    case 1: operand.swizzle = Swizzle::b128_atom_32; break;
    case 2: operand.swizzle = Swizzle::b128; break;
    case 4: operand.swizzle = Swizzle::b64; break;
    case 6: operand.swizzle = Swizzle::b32; break;
    default: need(false, "shared memory descriptor: swizzle " + std::to_string(field(bits, 61, 3)));
  }
  return operand;
}

uint64_t MmaOperand::place(uint32_t row, uint32_t byte) const {
  const uint64_t group = start + row / 8 * stride;
  // Without a swizzle 8 rows of 16 bytes are one stretch, else 8 rows of the swizzle's span.
  if (swizzle == Swizzle::none) return group + row % 8 * 16 + byte / 16 * leading + byte % 16;
  return swizzled(swizzle, group + row % 8 * swizzle_span(swizzle) + byte);
}

}  // namespace ternary::softgpu
