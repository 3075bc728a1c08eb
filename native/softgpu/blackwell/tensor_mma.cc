// tcgen05.mma and .commit: what the tensor core does in order, and how it says that it is done.
#include <cstring>

#include "softgpu/blackwell/mma_product.h"
#include "softgpu/blackwell/tensor_memory.h"
#include "softgpu/code/opcode.h"
#include "softgpu/decode/function_decoder.h"

namespace ternary::softgpu {
namespace {

using ptx::Operand;
using ptx::Space;
using ptx::Type;

/** What the modifiers say: kept with the instruction. */
struct Form {
  bool integers, pair, a_in_tensor_memory;
  size_t lane_masks;
};

/** The part of a product that one CTA's memory holds. */
struct Part {
  Cta* cta;
  uint32_t first_row, rows;        ///< of A and D
  uint32_t first_column, columns;  ///< of B
};

/** One tcgen05.mma between its issue and its end. */
struct Product {
  MmaShape shape;
  bool pair, accumulates;
  uint32_t d;  ///< tensor memory address
  bool a_in_tensor_memory;
  uint32_t a_tensor;
  MmaOperand a, b;
  std::vector<Part> parts;
};

/** A row of D in the lanes of its CTA, with the columns of the accumulator that lie there. */
struct Stretch {
  uint32_t row;  ///< of the part
  uint32_t lane;
  uint32_t first_column, columns;  ///< of the product
};

/** Figures "Layout organization" of the PTX ISA: 128 rows fill the lanes; 64 use half of each warp's, or, of a pair, both
 *  halves of the columns one under the other. */
std::vector<Stretch> stretches_of(const Product& product, const Part& part) {
  std::vector<Stretch> found;
  const uint32_t n = product.shape.n;
  for (uint32_t row = 0; row < part.rows; ++row) {
    if (part.rows == 128) {
      found.push_back({row, row, 0, n});
    } else if (product.pair) {
      found.push_back({row, row, 0, n / 2});
      found.push_back({row, row + 64, n / 2, n / 2});
    } else {
      found.push_back({row, row / 16 * 32 + row % 16, 0, n});
    }
  }
  return found;
}

/** The areas of tensor memory that D has in one CTA. */
std::vector<TensorArea> areas_of(const Product& product, const Part& part) {
  std::vector<TensorArea> areas;
  for (const Stretch& stretch : stretches_of(product, part)) {
    if (stretch.row % kTensorLanes != 0) continue;
    areas.push_back({(product.d >> 16) + stretch.lane, kTensorLanes, product.d & 0xffff, stretch.columns});
  }
  return areas;
}

TensorArea area_of_a(const Product& product, const Part& part) {
  return {product.a_tensor >> 16, part.rows, product.a_tensor & 0xffff, kMmaKBytes / 4};
}

template <typename Visit>
void each_16_bytes(const MmaOperand& operand, uint32_t rows, Visit visit) {
  for (uint32_t row = 0; row < rows; ++row) {
    for (uint32_t byte = 0; byte < kMmaKBytes; byte += 16) visit(operand.place(row, byte), row * kMmaKBytes + byte);
  }
}

void begin(Warp& warp, const Issue& issue, const Product& product, int lane) {
  for (const Part& part : product.parts) {
    TensorMemory& memory = TensorMemory::of(*part.cta);
    const auto read = [&](uint64_t address, uint32_t) { begin_read(warp, issue, *part.cta, address, 16, lane); };
    if (product.a_in_tensor_memory) {
      memory.begin_read(issue.engine, area_of_a(product, part), issue.line);
    } else {
      each_16_bytes(product.a, part.rows, read);
    }
    each_16_bytes(product.b, part.columns, read);
    for (const TensorArea& area : areas_of(product, part)) {
      if (product.accumulates) {  // what is added to must be there
        memory.begin_read(issue.engine, area, issue.line);
        memory.end_read(issue.engine, issue.epoch, area, issue.line);
      }
      memory.begin_write(issue.engine, area, issue.line);
    }
  }
}

/** The bytes of an operand in shared memory, row by row; ends the read. */
void take_operand(const Issue& issue, const MmaOperand& operand, Cta& cta, uint32_t rows, uint8_t* to) {
  each_16_bytes(operand, rows, [&](uint64_t address, uint32_t at) {
    std::memcpy(to + at, cta.shared.end_engine_read(issue.engine, issue.epoch, address, 16, issue.line), 16);
  });
}

void take_from_tensor_memory(const Issue& issue, const Product& product, const Part& part, uint8_t* to) {
  TensorMemory& memory = TensorMemory::of(*part.cta);
  const TensorArea area = area_of_a(product, part);
  for (uint32_t row = 0; row < part.rows; ++row) {
    std::memcpy(to + size_t{row} * kMmaKBytes, &memory.at(area.lane + row, area.column), kMmaKBytes);
  }
  memory.end_read(issue.engine, issue.epoch, area, issue.line);
}

void finish(const Issue& issue, const Product& product) {
  std::vector<uint8_t> b(size_t{product.shape.n} * kMmaKBytes);
  for (const Part& part : product.parts) {
    take_operand(issue, product.b, *part.cta, part.columns, &b[size_t{part.first_column} * kMmaKBytes]);
  }
  for (const Part& part : product.parts) {
    std::vector<uint8_t> a(size_t{part.rows} * kMmaKBytes);
    if (product.a_in_tensor_memory) {
      take_from_tensor_memory(issue, product, part, a.data());
    } else {
      take_operand(issue, product.a, *part.cta, part.rows, a.data());
    }
    TensorMemory& memory = TensorMemory::of(*part.cta);
    std::vector<uint32_t> d(size_t{part.rows} * product.shape.n);
    const uint32_t base_lane = product.d >> 16, base_column = product.d & 0xffff;
    const std::vector<Stretch> stretches = stretches_of(product, part);
    for (const Stretch& one : stretches) {
      if (!product.accumulates) continue;
      std::memcpy(&d[size_t{one.row} * product.shape.n + one.first_column],
                  &memory.at(base_lane + one.lane, base_column), one.columns * 4);
    }
    add_product(product.shape, a, part.rows, b, product.shape.n, d.data());
    for (const Stretch& one : stretches) {
      std::memcpy(&memory.at(base_lane + one.lane, base_column),
                  &d[size_t{one.row} * product.shape.n + one.first_column], one.columns * 4);
    }
    for (const TensorArea& area : areas_of(product, part)) {
      memory.end_write(issue.engine, issue.epoch, area, issue.line);
    }
  }
}

std::vector<Part> parts_of(Cta& cta, const MmaShape& shape, bool pair) {
  if (!pair) return {{&cta, 0, shape.m, 0, shape.n}};
  if (cta.rank % 2 != 0) throw Fault(FaultKind::illegal, "tcgen05.mma of a pair from the CTA that does not lead it");
  const uint32_t rows = shape.m / 2, columns = shape.n / 2;
  return {{&cta, 0, rows, 0, columns}, {&peer_of(cta), rows, rows, columns, columns}};
}

void check_product(const Product& product) {
  const uint32_t rows = product.parts[0].rows;
  const uint32_t lane = product.d >> 16;
  const bool upper_half = rows == 64 && !product.pair && lane == 16;
  if (lane != 0 && !upper_half) {
    throw Fault(FaultKind::illegal, "an accumulator that begins at lane " + std::to_string(lane));
  }
  if (product.a_in_tensor_memory && (rows != 128 || product.a_tensor >> 16 != 0)) {
    throw Fault(FaultKind::illegal, "A in tensor memory is known for 128 rows a CTA from lane 0");
  }
}

/** Operands: D, A, B, instruction descriptor, masks of lanes, predicate. */
void multiply(Warp& warp, const Instruction& instruction, int lane) {
  const Form& form = *static_cast<const Form*>(instruction.detail);
  const auto word = [&](size_t i) { return warp.lanes<uint32_t>(instruction.op[i])[lane]; };
  auto product = std::make_shared<Product>();
  product->shape = decode_instruction_descriptor(word(3), form.integers, form.pair);
  product->pair = form.pair;
  product->d = word(0);
  product->a_in_tensor_memory = form.a_in_tensor_memory;
  if (form.a_in_tensor_memory) {
    product->a_tensor = word(1);
  } else {
    product->a = decode_shared_descriptor(warp.lanes<uint64_t>(instruction.op[1])[lane]);
  }
  product->b = decode_shared_descriptor(warp.lanes<uint64_t>(instruction.op[2])[lane]);
  for (size_t i = 0; i < form.lane_masks; ++i) {
    if (word(4 + i) != 0) throw Fault(FaultKind::illegal, "disabled output lanes are not known", lane);
  }
  product->accumulates = (warp.predicate(instruction.op[4 + form.lane_masks]) >> lane & 1) != 0;
  product->parts = parts_of(warp.cta(), product->shape, form.pair);
  check_product(*product);

  const uint32_t epoch = warp.cta().cluster->order.epoch(warp.agent());
  const Issue issue = issue_to(EngineWork::Engine::tensor_core, warp);
  TensorMemory::of(warp.cta()).follow(product->d, {warp.agent(), epoch, issue.engine, issue.epoch});
  begin(warp, issue, *product, lane);
  warp.counts().multiplied += uint64_t{product->shape.m} * product->shape.n * product->shape.k();
  std::vector<Cta*> touched;
  for (const Part& part : product->parts) touched.push_back(part.cta);
  enqueue(issue, touched, [issue, product] { finish(issue, *product); });
}

Step execute_mma(Warp& warp, const Instruction& instruction, uint32_t mask) {
  for (uint32_t rest = mask; rest; rest &= rest - 1) multiply(warp, instruction, __builtin_ctz(rest));
  return Step::next;
}

void decode_mma(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 100, "tcgen05 needs sm_100a");
  Form form = {};
  form.pair = std::string(decoder.need_one_of({"cta_group::1", "cta_group::2"})).back() == '2';
  form.integers = std::string(decoder.need_one_of({"kind::i8", "kind::f16"})) == "kind::i8";
  const std::string& target = decoder.function().module().target;
  decoder.need(!form.integers || target == "sm_100a" || target == "sm_101a" || target == "sm_110a",
               "kind::i8 needs sm_100a or sm_110a");
  form.lane_masks = form.pair ? 8 : 4;
  decoder.need_operands(6, 6);
  form.a_in_tensor_memory = decoder.operand(1).kind == Operand::Kind::address;
  const auto tensor_address = [&](size_t index) {
    const Operand& operand = decoder.operand(index);
    decoder.need(operand.kind == Operand::Kind::address && operand.elements.size() == 1 && operand.offset == 0,
                 "a tensor memory address is a register in brackets");
    decoder.read(operand.elements[0], Type::b32);
  };
  tensor_address(0);
  if (form.a_in_tensor_memory) {
    tensor_address(1);
  } else {
    decoder.read(1, Type::b64);
  }
  decoder.read(2, Type::b64);
  decoder.read(3, Type::b32);
  decoder.read_vector(4, Type::b32, form.lane_masks);
  decoder.read(5, Type::pred);
  instruction.detail = decoder.keep(form);
  instruction.execute = execute_mma;
}

/** Operands: mbarrier, then the mask of CTAs if there is one (a). */
Step execute_commit(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t addresses[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], addresses);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const Place barrier = find_mbarrier(warp, instruction.address[0].space, addresses[lane], lane);
    std::vector<Cta*> targets = {barrier.cta};
    if (instruction.a) {
      targets.clear();
      for (uint32_t ctas = warp.lanes<uint32_t>(instruction.op[1])[lane] & 0xffff; ctas; ctas &= ctas - 1) {
        targets.push_back(&cta_of_rank(warp, static_cast<uint32_t>(__builtin_ctz(ctas)), lane));
      }
    }
    const Issue issue = issue_to(EngineWork::Engine::tensor_core, warp);
    for (Cta* target : targets) {
      if (target != &warp.cta()) warp.visit(*target, issue.engine, issue.epoch, lane);
    }
    enqueue(issue, targets, [issue, targets, address = barrier.address] {
      for (Cta* target : targets) complete(issue, *target, address, 0);
    });
  }
  return Step::next;
}

void decode_commit(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 100, "tcgen05 needs sm_100a");
  decoder.need_one_of({"cta_group::1", "cta_group::2"});
  decoder.need_one_of({"mbarrier::arrive::one"});
  const Space space = decoder.take("shared::cluster") ? Space::shared : Space::none;
  instruction.a = decoder.take("multicast::cluster");
  decoder.need_one_of({"b64"});
  decoder.need_operands(instruction.a ? 2 : 1, instruction.a ? 2 : 1);
  decoder.read_address(0, space);
  if (instruction.a) decoder.read(1, Type::b16);
  instruction.execute = execute_commit;
}

constexpr OpcodeRow kRows[] = {{"tcgen05.mma", decode_mma}, {"tcgen05.commit", decode_commit}};

}  // namespace

Family tensor_mma_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
