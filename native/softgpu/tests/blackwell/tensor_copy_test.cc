// cp.async.bulk.tensor: where each element of a box lies, by swizzle; what is outside; several CTAs; the map itself.
#include <gtest/gtest.h>

#include <cstring>

#include "softgpu/blackwell/tensor_map.h"
#include "softgpu/tests/snippet.h"

namespace ternary::softgpu {
namespace {

constexpr uint64_t kTensor = 256;  ///< of the data: the map lies before it
constexpr uint32_t kBoxes = 1024;  ///< offset in shared memory

/** A tensor of 16-bit elements i * 3 + 1 that fills what lies behind the map. */
struct Tensor {
  std::vector<uint64_t> size, strides;
  std::vector<uint32_t> box;
  int swizzle = 0;
};

uint16_t element(uint64_t index) { return static_cast<uint16_t>(index * 3 + 1); }

Snippet snippet_of(const Tensor& tensor, const std::string& lines) {
  Snippet snippet;
  snippet.arch = 100;
  snippet.shared_bytes = 8192;
  snippet.data.resize(kTensor + 16384);
  for (uint64_t i = 0; i < 8192; ++i) {
    const uint16_t value = element(i);
    std::memcpy(&snippet.data[kTensor + 2 * i], &value, 2);
  }
  snippet.prepare = [tensor](uint64_t address, std::vector<uint8_t>* data) {
    const std::vector<uint32_t> ones(tensor.size.size(), 1);
    const TensorMapArguments arguments{6,  // f16
                                       static_cast<uint32_t>(tensor.size.size()),
                                       address + kTensor,
                                       tensor.size.data(),
                                       tensor.strides.data(),
                                       tensor.box.data(),
                                       ones.data(),
                                       0,
                                       tensor.swizzle,
                                       0};
    TensorMap map;
    const char* why = encode(arguments, &map);
    ASSERT_EQ(why, nullptr) << why;
    std::memcpy(data->data(), &map, sizeof map);
  };
  snippet.outputs = 0;
  snippet.body =
      "mov.u32 %r8, mem;\nadd.u32 %r9, %r8, 1024;\nmov.u32 %r7, %tid.x;\nsetp.eq.u32 %p0, %r7, 0;\n"
      "@%p0 mbarrier.init.shared::cta.b64 [%r8], 1;\nfence.mbarrier_init.release.cluster;\nbar.sync 0;\n" +
      lines;
  return snippet;
}

std::string expect(uint32_t bytes) {
  return "@%p0 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r8], " + std::to_string(bytes) + ";\n";
}

std::string load(const std::string& rank, const std::string& coordinates) {
  return "@%p0 cp.async.bulk.tensor." + rank + ".shared::cluster.global.mbarrier::complete_tx::bytes [%r9], [%data, {" +
         coordinates + "}], [%r8];\n";
}

const std::string kWait =
    "bar.sync 0;\nagain: mbarrier.try_wait.parity.shared::cta.b64 %p1, [%r8], 0;\n@!%p1 bra again;\n";

/** All threads copy the box of `bytes` bytes to the data behind the tensor's 12 KiB, 4 bytes each. */
std::string dump(uint32_t bytes) {
  std::string lines;
  for (uint32_t at = 0; at < bytes; at += 128) {
    const std::string offset = std::to_string(at);
    lines += "mad.lo.u32 %r0, %r7, 4, %r9;\nld.shared.u32 %r1, [%r0+" + offset +
             "];\nmul.wide.u32 %l0, %r7, 4;\nadd.u64 %l0, %l0, %data;\nst.global.u32 [%l0+" +
             std::to_string(kTensor + 12288 + at) + "], %r1;\n";
  }
  return lines;
}

uint16_t dumped(const Snippet& snippet, uint32_t offset) {
  uint16_t value;
  std::memcpy(&value, &snippet.data[kTensor + 12288 + offset], 2);
  return value;
}

// Figures of the swizzling modes, for a pattern that begins at a multiple of 1024: in row r of 128 bytes the 16-byte
// unit u lies at unit u ^ r % 8 (128B); of two rows of 64 bytes a line, u ^ r / 2 % 4; of four of 32 bytes, u ^ r / 4 % 2.
uint32_t place_of(int swizzle, uint32_t row, uint32_t byte) {
  switch (swizzle) {
    case 1: return row * 32 + ((byte / 16 ^ (row / 4 % 2)) * 16) + byte % 16;
    case 2: return row * 64 + ((byte / 16 ^ (row / 2 % 4)) * 16) + byte % 16;
    case 3: return row * 128 + ((byte / 16 ^ row % 8) * 16) + byte % 16;
    case 4: return row * 128 + ((byte / 32 ^ row % 4) * 32) + byte % 32;
    default: return row * 128 + byte;
  }
}

TEST(BlackwellTensorCopy, EverySwizzle) {
  for (int swizzle = 0; swizzle <= 4; ++swizzle) {
    const uint32_t inner = swizzle == 1 ? 16 : swizzle == 2 ? 32 : 64, bytes = inner * 2 * 16;
    const Tensor tensor{{128, 32}, {256}, {inner, 16}, swizzle};
    Snippet snippet = snippet_of(tensor, expect(bytes) + load("2d", "8, 3") + kWait + dump(bytes));
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t row = 0; row < 16; ++row) {
      for (uint32_t i = 0; i < inner; ++i) {
        ASSERT_EQ(dumped(snippet, place_of(swizzle, row, 2 * i)), element((row + 3) * 128 + i + 8))
            << swizzle << ' ' << row << ' ' << i;
      }
    }
  }
}

TEST(BlackwellTensorCopy, OutsideThereAreZeros) {
  const Tensor tensor{{20, 5}, {256}, {16, 8}, 0};
  for (const int x : {-7, 0, 9, 30}) {
    for (const int y : {-3, 2, 5}) {
      const std::string at = std::to_string(x) + ", " + std::to_string(y);
      // The whole box counts, whatever is inside.
      Snippet snippet = snippet_of(tensor, expect(256) + load("2d", at) + kWait + dump(256));
      const Outcome outcome = run(&snippet);
      ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
      for (int row = 0; row < 8; ++row) {
        for (int i = 0; i < 16; ++i) {
          const bool inside = x + i >= 0 && x + i < 20 && y + row >= 0 && y + row < 5;
          const uint16_t expected = inside ? element(static_cast<uint64_t>((y + row) * 128 + x + i)) : 0;
          ASSERT_EQ(dumped(snippet, static_cast<uint32_t>(row * 32 + i * 2)), expected) << at << ' ' << row << ' ' << i;
        }
      }
    }
  }
}

TEST(BlackwellTensorCopy, EveryRank) {
  const std::string coordinates[] = {"8", "8, 1", "8, 1, 1", "8, 1, 1, 1", "8, 1, 1, 1, 1"};
  for (size_t rank = 1; rank <= 5; ++rank) {
    Tensor tensor{{16, 3, 5, 3, 3}, {32, 96, 480, 1440}, {8, 2, 4, 2, 1}, 0};
    tensor.size.resize(rank), tensor.strides.resize(rank - 1), tensor.box.resize(rank);
    const uint32_t rows[5] = {1, 2, 8, 16, 16}, bytes = 16 * rows[rank - 1];
    Snippet snippet = snippet_of(tensor, expect(bytes) + load(std::to_string(rank) + "d", coordinates[rank - 1]) +
                                             kWait + "setp.ge.u32 %p2, %r7, " + std::to_string(bytes / 4) +
                                             ";\n@%p2 bra end;\n" + dump(bytes < 128 ? 128 : bytes) + "end:\n");
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << rank << ' ' << outcome.fault.sentence;
    for (uint32_t row = 0; row < rows[rank - 1]; ++row) {
      // The boxes of the upper dimensions are 2, 4, 2 and 1.
      const uint64_t steps[4] = {16, 48, 240, 720}, at[4] = {1 + row % 2, 1 + row / 2 % 4, 1 + row / 8, 1};
      uint64_t index = 8;
      for (size_t i = 0; i + 1 < rank; ++i) index += steps[i] * at[i];
      for (uint32_t i = 0; i < 8; ++i) {
        ASSERT_EQ(dumped(snippet, row * 16 + 2 * i), element(index + i)) << rank << ' ' << row;
      }
    }
  }
}

std::string fill(uint32_t bytes) {
  std::string lines;
  for (uint32_t at = 0; at < bytes; at += 128) {
    lines += "mad.lo.u32 %r0, %r7, 4, %r9;\nadd.u32 %r1, %r7, " + std::to_string(at / 4 + 7000) +
             ";\nst.shared.u32 [%r0+" + std::to_string(at) + "], %r1;\n";
  }
  return lines + "fence.proxy.async.shared::cta;\nbar.sync 0;\n";
}

std::string store(const std::string& coordinates) {
  return "@%p0 cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%data, {" + coordinates +
         "}], [%r9];\n@%p0 cp.async.bulk.commit_group;\n@%p0 cp.async.bulk.wait_group.read 0;\n";
}

TEST(BlackwellTensorCopy, StoresEverySwizzleAndWhatIsInside) {
  for (int swizzle = 0; swizzle <= 4; ++swizzle) {
    const uint32_t inner = swizzle == 1 ? 16 : swizzle == 2 ? 32 : 64;
    const Tensor tensor{{50, 12}, {256}, {inner, 16}, swizzle};
    Snippet snippet = snippet_of(tensor, fill(inner * 2 * 16) + store("8, 2"));
    const Outcome outcome = run(&snippet);
    ASSERT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    for (uint32_t row = 0; row < 18; ++row) {
      for (uint32_t i = 0; i < 80; ++i) {
        uint16_t got;
        std::memcpy(&got, &snippet.data[kTensor + row * 256 + 2 * i], 2);
        const bool inside = row >= 2 && row < 12 && i >= 8 && i < 50 && i < 8 + inner;
        const uint32_t place = inside ? place_of(swizzle, row - 2, 2 * (i - 8)) : 0;
        const uint32_t word = place / 4 + 7000;
        const uint16_t stored = static_cast<uint16_t>(place % 4 ? word >> 16 : word);
        ASSERT_EQ(got, inside ? stored : element(row * 128 + i)) << swizzle << ' ' << row << ' ' << i;
      }
    }
  }
}

// CUTLASS 4.2 lets a whole warp store its box. Lanes with boxes of their own store each, and each waits for its own.
TEST(BlackwellTensorCopy, ABoxThatAllLanesStoreIsCopiedOnce) {
  const Tensor tensor{{128, 32}, {256}, {64, 4}, 3};
  const auto copied = [&](const std::string& row) {
    const std::string place = "setp.lt.u32 %p0, %r7, 4;\nmov.u32 %r6, 0;\nmov.u32 %r5, " + row + ";\n";
    Snippet snippet = snippet_of(tensor, fill(512) + place + store("%r6, %r5"));
    const Outcome outcome = run(&snippet);
    EXPECT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
    return outcome.counters.total().copied;
  };
  EXPECT_EQ(copied("8"), 512u);
  EXPECT_EQ(copied("%r7; shl.b32 %r5, %r5, 2"), 4 * 512u);
}

TEST(BlackwellTensorCopy, AMapThatIsWrittenWhileInUse) {
  const Tensor tensor{{128, 32}, {256}, {64, 16}, 3};
  const std::string write = "@%p0 st.global.u32 [%data+120], 1;\n";
  Snippet snippet = snippet_of(tensor, expect(2048) + load("2d", "0, 0") + write + kWait);
  const Outcome outcome = run(&snippet);
  EXPECT_EQ(outcome.fault.kind, FaultKind::race);
  EXPECT_NE(outcome.fault.sentence.find("the tensor map was written"), std::string::npos) << outcome.fault.sentence;
  Snippet after = snippet_of(tensor, expect(2048) + load("2d", "0, 0") + kWait + write);
  EXPECT_EQ(run(&after).fault.kind, FaultKind::none);
}

TEST(BlackwellTensorCopy, Faults) {
  const Tensor tensor{{128, 32}, {256}, {64, 16}, 3};
  const auto check = [&](const std::string& lines, FaultKind kind, const char* what) {
    Snippet snippet = snippet_of(tensor, lines);
    const FaultReport fault = run(&snippet).fault;
    EXPECT_EQ(fault.kind, kind) << what;
    EXPECT_NE(fault.sentence.find(what), std::string::npos) << fault.sentence;
  };
  check(load("3d", "0, 0, 0"), FaultKind::illegal, "another rank");
  check("add.u32 %r9, %r9, 64;\n" + load("2d", "0, 0"), FaultKind::misaligned, "not aligned to 128 bytes");
  check("add.u64 %data, %data, 256;\n" + load("2d", "0, 0"), FaultKind::illegal, "no tensor map");
  check(expect(2048) + load("2d", "0, 0"), FaultKind::illegal, "the CTA ends while copies");
  check(store("0, 0"), FaultKind::uninitialised, "never written");
}

}  // namespace
}  // namespace ternary::softgpu
