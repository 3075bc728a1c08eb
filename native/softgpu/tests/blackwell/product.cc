#include "softgpu/tests/blackwell/product.h"

#include <cstring>
#include <stdexcept>

namespace ternary::softgpu {
namespace {

// Shared memory of a CTA: A, B, then the address of tensor memory and an mbarrier. Of tensor memory: D, then A.
constexpr uint32_t kB = 16384, kEnd = 49152, kLanes = 128, kColumns = 264, kAColumn = 256;
constexpr uint32_t kDumpBytes = kLanes * kColumns * 4;

/** Figures "K-major" of the canonical layouts: where a byte of a row of an operand lies. */
uint32_t place_of(int swizzle, uint32_t row, uint32_t byte) {
  switch (swizzle) {
    case 0: return row / 8 * 256 + byte / 16 * 128 + row % 8 * 16 + byte % 16;
    case 1: return row * 32 + ((byte / 16 ^ (row / 4 % 2)) * 16) + byte % 16;
    case 2: return row * 64 + ((byte / 16 ^ (row / 2 % 4)) * 16) + byte % 16;
    case 3: return row * 128 + ((byte / 16 ^ row % 8) * 16) + byte % 16;
    default: return row * 128 + ((byte / 32 ^ row % 4) * 32) + byte % 32;
  }
}

uint64_t shared_descriptor(int swizzle, uint32_t k_offset) {
  const uint64_t layouts[] = {0, 6, 4, 2, 1}, strides[] = {256, 256, 512, 1024, 1024};
  return k_offset >> 4 | uint64_t{128 >> 4} << 16 | strides[swizzle] >> 4 << 32 | uint64_t{1} << 46 |
         layouts[swizzle] << 61;
}

uint32_t instruction_descriptor(const Product& product) {
  const uint32_t types = product.integers ? 2 << 4 | 1 << 7 | 1 << 10 : 1 << 4 | 1 << 7 | 1 << 10;
  return types | product.n >> 3 << 17 | product.m >> 4 << 24;
}

/** The bytes of a value: s8, or bf16 of an integer below 256. */
void put(const Product& product, int value, uint8_t* image, const std::function<uint32_t(uint32_t)>& place,
         uint32_t k) {
  if (product.integers) {
    image[place(k)] = static_cast<uint8_t>(value);
    return;
  }
  const float real = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &real, 4);
  image[place(2 * k)] = static_cast<uint8_t>(bits >> 16);
  image[place(2 * k + 1)] = static_cast<uint8_t>(bits >> 24);
}

/** Figures "Layout organization" of tensor memory: CTA, lane and column of an element of D. */
struct Where {
  uint32_t cta, lane, column;
};
Where where(const Product& product, uint32_t row, uint32_t n) {
  if (!product.pair && product.m == 128) return {0, row, n};
  if (!product.pair) return {0, row / 16 * 32 + row % 16, n};
  if (product.m == 256) return {row / 128, row % 128, n};
  const uint32_t half = product.n / 2;
  return {row / 64, row % 64 + (n >= half ? 64 : 0), n % half};
}

uint32_t bits_of(const Product& product, int value) {
  const float real = static_cast<float>(value);
  uint32_t bits = static_cast<uint32_t>(value);
  if (!product.integers) std::memcpy(&bits, &real, 4);
  return bits;
}

void replace(std::string* text, const std::string& from, const std::string& to) {
  for (size_t at = text->find(from), first = at;; at = text->find(from, at + to.size())) {
    if (at == std::string::npos && first == at) throw std::invalid_argument("the kernel has no " + from);
    if (at == std::string::npos) return;
    text->replace(at, from.size(), to);
  }
}

/** Images into shared memory and tensor memory, one product, tensor memory back into the data. */
const char kKernel[] = R"(
mov.u32 %o0, 0; mov.u32 %r8, mem; mov.u32 %r7, %tid.x; mov.u32 %r6, %cluster_ctarank;
shr.u32 %r1, %r7, 5; setp.eq.u32 %p0, %r1, 0; setp.eq.u32 %p2, %r7, 0; setp.eq.u32 %p3, %r6, 0; and.pred %p3, %p2, %p3;
mul.wide.u32 %l0, %r6, END; add.u64 %l0, %l0, %data; mul.wide.u32 %l2, %r6, DUMP; add.u64 %l2, %l2, %data;
@%p2 mbarrier.init.shared::cta.b64 [%r8+BARRIER], 1;
@%p0 tcgen05.alloc.GROUP.sync.aligned.shared::cta.b32 [%r8+END], 512;
mov.u32 %r2, 0;
copy:
mad.lo.u32 %r3, %r7, 16, %r2; cvt.u64.u32 %l1, %r3; add.u64 %l1, %l1, %l0;
ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%l1];
add.u32 %r4, %r3, %r8; st.shared.v4.u32 [%r4], {%r10, %r11, %r12, %r13};
add.u32 %r2, %r2, 2048; setp.lt.u32 %p1, %r2, END; @%p1 bra copy;
fence.proxy.async.shared::cta;
bar.sync 0;
ld.shared.u32 %r0, [%r8+END]; shl.b32 %r1, %r1, 21; add.u32 %r1, %r1, %r0;
mov.u32 %r2, 0;
fill:
add.u32 %r3, %r1, %r2; mad.lo.u32 %r4, %r7, COLUMNS, %r2; mul.wide.u32 %l1, %r4, 4; add.u64 %l1, %l1, %l2;
ld.global.u32 %r5, [%l1+DUMPS]; tcgen05.st.sync.aligned.32x32b.x1.b32 [%r3], {%r5};
add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, COLUMNS; @%p1 bra fill;
tcgen05.wait::st.sync.aligned;
tcgen05.fence::before_thread_sync;
SYNC
tcgen05.fence::after_thread_sync;
@!%p3 bra wait;
mov.u64 %l3, ADESC; mov.u64 %l4, BDESC; mov.u32 %r9, 0; mov.b16 %h0, 3;
and.b32 %r11, %r8, 0xffffff; shr.u32 %r11, %r11, 4; cvt.u64.u32 %l5, %r11; add.u64 %l3, %l3, %l5; add.u64 %l4, %l4, %l5;
setp.ne.u32 %p4, %r9, ENABLE; add.u32 %r10, %r0, ACOLUMN; mov.u32 %r12, IDESC;
tcgen05.mma.GROUP.KIND [%r0], A, %l4, %r12, {ZEROS}, %p4;
COMMIT
wait:
mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8+BARRIER], 0;
@!%p1 bra wait;
tcgen05.fence::after_thread_sync;
mov.u32 %r2, 0;
dump:
add.u32 %r3, %r1, %r2; mad.lo.u32 %r4, %r7, COLUMNS, %r2; mul.wide.u32 %l1, %r4, 4; add.u64 %l1, %l1, %l2;
tcgen05.ld.sync.aligned.32x32b.x1.b32 {%r5}, [%r3]; tcgen05.wait::ld.sync.aligned; st.global.u32 [%l1+DUMPS], %r5;
add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, COLUMNS; @%p1 bra dump;
SYNC
@%p0 tcgen05.dealloc.GROUP.sync.aligned.b32 %r0, 512;
)";

std::string kernel(const Product& product) {
  std::string text = kKernel;
  const std::string ctas = product.pair ? "2" : "1";
  replace(&text, "SYNC",
          product.pair ? "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;" : "bar.sync 0;");
  replace(&text, "COMMIT",
          product.pair ? "tcgen05.commit.GROUP.mbarrier::arrive::one.shared::cluster.multicast::cluster"
                         ".b64 [%r8+BARRIER], %h0;"
                       : "tcgen05.commit.GROUP.mbarrier::arrive::one.shared::cluster.b64 [%r8+BARRIER];");
  replace(&text, "GROUP", "cta_group::" + ctas);
  replace(&text, "KIND", product.integers ? "kind::i8" : "kind::f16");
  replace(&text, "], A, ", product.a_in_tensor_memory ? "], [%r10], " : "], %l3, ");
  replace(&text, "ZEROS", product.pair ? "%r9, %r9, %r9, %r9, %r9, %r9, %r9, %r9" : "%r9, %r9, %r9, %r9");
  replace(&text, "ACOLUMN", std::to_string(kAColumn));
  replace(&text, "COLUMNS", std::to_string(kColumns));
  replace(&text, "BARRIER", std::to_string(kEnd + 8));
  replace(&text, "DUMPS", std::to_string(2 * kEnd));
  replace(&text, "DUMP", std::to_string(kDumpBytes));
  replace(&text, "END", std::to_string(kEnd));
  replace(&text, "ENABLE", product.accumulates ? "1" : "0");
  const uint64_t operand = shared_descriptor(product.swizzle, product.k_offset);
  replace(&text, "ADESC", std::to_string(operand));
  replace(&text, "BDESC", std::to_string(operand + (kB >> 4)));
  replace(&text, "IDESC", std::to_string(instruction_descriptor(product) ^ product.descriptor));
  for (const auto& [from, to] : product.changes) replace(&text, from, to);
  return text;
}

/** Where row `row` of A or B of the product lies: in which CTA, as which row. */
Where row_of(const Product& product, uint32_t rows, uint32_t row) {
  const uint32_t own = product.pair ? rows / 2 : rows;
  return {row / own, row % own, 0};
}

void fill(const Product& product, std::vector<uint8_t>* data) {
  const uint32_t dumps = 2 * kEnd;
  for (uint32_t row = 0; row < product.m; ++row) {
    const Where at = row_of(product, product.m, row);
    for (uint32_t k = 0; k < product.k(); ++k) {
      const auto in_shared = [&](uint32_t byte) {
        return at.cta * kEnd + place_of(product.swizzle, at.lane, byte + product.k_offset);
      };
      const auto in_tensor = [&](uint32_t byte) {
        return dumps + at.cta * kDumpBytes + (at.lane * kColumns + kAColumn) * 4 + byte;
      };
      const int value = product.a[row * product.k() + k];
      if (product.a_in_tensor_memory) {
        put(product, value, data->data(), in_tensor, k);
      } else {
        put(product, value, data->data(), in_shared, k);
      }
    }
    for (uint32_t n = 0; n < product.n; ++n) {
      const Where d = where(product, row, n);
      const uint32_t bits = bits_of(product, product.d[row * product.n + n]);
      std::memcpy(data->data() + dumps + d.cta * kDumpBytes + (d.lane * kColumns + d.column) * 4, &bits, 4);
    }
  }
  for (uint32_t row = 0; row < product.n; ++row) {
    const Where at = row_of(product, product.n, row);
    const auto place = [&](uint32_t byte) {
      return at.cta * kEnd + kB + place_of(product.swizzle, at.lane, byte + product.k_offset);
    };
    for (uint32_t k = 0; k < product.k(); ++k) put(product, product.b[row * product.k() + k], data->data(), place, k);
  }
}

}  // namespace

FaultReport run(Product* product) {
  Snippet snippet;
  snippet.arch = 100;
  snippet.specific = true;
  snippet.shared_bytes = kEnd + 16;
  snippet.block = {128, 1, 1};
  snippet.schedule = product->schedule;
  snippet.seed = product->seed;
  if (product->pair) snippet.grid = snippet.cluster = {2, 1, 1};
  snippet.body = kernel(*product);
  snippet.data.assign(2 * kEnd + 2 * kDumpBytes, 0);
  fill(*product, &snippet.data);
  const Outcome outcome = run(&snippet);
  if (outcome.fault.kind != FaultKind::none) return outcome.fault;
  for (uint32_t row = 0; row < product->m; ++row) {
    for (uint32_t n = 0; n < product->n; ++n) {
      const Where d = where(*product, row, n);
      uint32_t bits;
      std::memcpy(&bits, &snippet.data[2 * kEnd + d.cta * kDumpBytes + (d.lane * kColumns + d.column) * 4], 4);
      float real;
      std::memcpy(&real, &bits, 4);
      product->d[row * product->n + n] = product->integers ? static_cast<int>(bits) : static_cast<int>(real);
    }
  }
  return outcome.fault;
}

std::vector<int> expected(const Product& product) {
  std::vector<int> d = product.d;
  for (uint32_t row = 0; row < product.m; ++row) {
    for (uint32_t n = 0; n < product.n; ++n) {
      int64_t sum = product.accumulates ? d[row * product.n + n] : 0;
      for (uint32_t k = 0; k < product.k(); ++k) {
        sum += int64_t{product.a[row * product.k() + k]} * product.b[n * product.k() + k];
      }
      d[row * product.n + n] = static_cast<int>(sum);
    }
  }
  return d;
}

}  // namespace ternary::softgpu
