// Which device code a device may run, and what is read of a fatbin.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "softgpu/runtime/device.h"
#include "softgpu/runtime/failure.h"
#include "softgpu/runtime/fatbin.h"
#include "softgpu/runtime/library.h"

namespace ternary::softgpu {
namespace {

bool runs(const char* ptx, const char* device) { return runs_on(parse_architecture(ptx), parse_architecture(device)); }

TEST(Architecture, PlainPtxRunsOnAllLaterDevices) {
  EXPECT_TRUE(runs("80", "80"));
  EXPECT_TRUE(runs("80", "86"));
  EXPECT_TRUE(runs("80", "121"));
  EXPECT_FALSE(runs("86", "80"));
  EXPECT_FALSE(runs("100", "90"));
  EXPECT_FALSE(runs("121", "120"));
}

TEST(Architecture, ArchitectureSpecificPtxRunsOnItsOwn) {
  EXPECT_TRUE(runs("90a", "90"));
  EXPECT_TRUE(runs("90a", "90a"));  // the device's suffix says nothing
  EXPECT_FALSE(runs("90a", "100"));
  EXPECT_FALSE(runs("100a", "103"));
  EXPECT_TRUE(runs("103a", "103"));
}

TEST(Architecture, FamilyPtxRunsOnItsFamily) {
  EXPECT_TRUE(runs("100f", "100"));
  EXPECT_TRUE(runs("100f", "103"));
  EXPECT_FALSE(runs("103f", "100"));
  EXPECT_FALSE(runs("100f", "101"));  // of CUDA 12, 11.0 since then
  EXPECT_FALSE(runs("100f", "110"));
  EXPECT_FALSE(runs("100f", "120"));
  EXPECT_TRUE(runs("120f", "121"));
}

TEST(Architecture, NamesAreReadAndWritten) {
  EXPECT_EQ(name_of(parse_architecture("compute_100f")), "sm_100f");
  EXPECT_EQ(name_of(parse_architecture("sm_90a")), "sm_90a");
  EXPECT_EQ(parse_architecture("121").major, 12);
  for (const char* wrong : {"", "a", "9", "90b", "sm_", "1000", "9 0"}) {
    EXPECT_THROW(parse_architecture(wrong), std::invalid_argument) << wrong;
  }
}

/** A container as nvcc lays it out; layout found with `xxd` in files that it wrote. */
class Container {
 public:
  Container() : bytes_(16) {
    put<uint32_t>(0, 0xba55ed50);
    put<uint16_t>(4, 1);
    put<uint16_t>(6, 16);
  }
  void add(uint16_t kind, uint32_t architecture, uint64_t flags, const std::string& payload) {
    constexpr size_t kHeader = 80;
    const size_t at = bytes_.size();
    bytes_.resize(at + kHeader + payload.size());
    put<uint16_t>(at, kind);
    put<uint32_t>(at + 4, kHeader);
    put<uint64_t>(at + 8, payload.size());
    put<uint32_t>(at + 28, architecture);
    put<uint64_t>(at + 40, flags);
    std::memcpy(bytes_.data() + at + kHeader, payload.data(), payload.size());
    put<uint64_t>(8, bytes_.size() - 16);
  }
  template <class T>
  void put(size_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  std::vector<FatbinEntry> read() const { return read_fatbin_container(bytes_.data()); }
  /** What the host code that nvcc writes registers. */
  struct Wrapper {
    uint32_t magic = 0x466243b1, version = 1;
    const void* container;
    const void* unused = nullptr;
  };
  Wrapper wrapper() const { return {0x466243b1, 1, bytes_.data()}; }

 private:
  std::vector<uint8_t> bytes_;
};

constexpr uint64_t kPlain = 0x11, kA = 0x100011, kF = 0x200011, kZstd = 0x8011, kLz4 = 0x2011;

TEST(Fatbin, EntriesAreRead) {
  Container container;
  container.add(2, 80, kPlain, "ELF.");
  container.add(1, 80, kPlain, std::string("text\0\0\0\0", 8));
  container.add(1, 90, kA, "a");
  container.add(1, 100, kF, "f");
  container.add(1, 120, kZstd, "z");
  container.add(1, 121, kLz4, "l");
  const std::vector<FatbinEntry> entries = container.read();
  ASSERT_EQ(entries.size(), 6u);
  EXPECT_EQ(entries[0].kind, FatbinEntry::Kind::elf);
  EXPECT_EQ(entries[1].payload, "text");  // without what pads it
  EXPECT_EQ(name_of(entries[2].architecture), "sm_90a");
  EXPECT_EQ(name_of(entries[3].architecture), "sm_100f");
  EXPECT_FALSE(entries[3].compressed);
  EXPECT_TRUE(entries[4].compressed);
  EXPECT_TRUE(entries[5].compressed);
}

TEST(Fatbin, TheBestPtxIsTheMostSpecialOneThatFits) {
  Container container;
  container.add(2, 90, kA, "machine code is not executed");
  container.add(1, 80, kPlain, "80");
  container.add(1, 90, kA, "90a");
  container.add(1, 90, kPlain, "90");
  container.add(1, 100, kF, "100f");
  const std::vector<FatbinEntry> entries = container.read();
  const auto best = [&](const char* device) {
    const FatbinEntry* entry = best_ptx(entries, parse_architecture(device));
    return entry == nullptr ? std::string() : std::string(entry->payload);
  };
  EXPECT_EQ(best("75"), "");
  EXPECT_EQ(best("80"), "80");
  EXPECT_EQ(best("89"), "80");
  EXPECT_EQ(best("90"), "90a");
  EXPECT_EQ(best("100"), "100f");
  EXPECT_EQ(best("103"), "100f");
  EXPECT_EQ(best("120"), "90");
}

TEST(Fatbin, DamageIsAnError) {
  Container too_long;
  too_long.add(1, 80, kPlain, "text");
  too_long.put<uint64_t>(16 + 8, 5);
  EXPECT_THROW(too_long.read(), std::runtime_error);
  Container no_fatbin;
  no_fatbin.put<uint32_t>(0, 1);
  EXPECT_THROW(no_fatbin.read(), std::runtime_error);
  Container cut;
  cut.add(1, 80, kPlain, "text");
  cut.put<uint64_t>(8, 40);
  EXPECT_THROW(cut.read(), std::runtime_error);
}

cudaError_t error_of_ptx_for(const Library& library, const char* device, const char* part_of_sentence) {
  try {
    library.ptx_of(device_of(parse_architecture(device)));
    return cudaSuccess;
  } catch (const CudaFailure& failure) {
    EXPECT_NE(std::string(failure.what()).find(part_of_sentence), std::string::npos) << failure.what();
    return failure.code;
  }
}

TEST(Library, PtxThatIsMissingOrCompressedIsAnErrorThatSaysSo) {
  Container container;
  container.add(2, 80, kPlain, "machine code");
  container.add(1, 90, kA, "text");
  container.add(1, 100, kZstd, "z");
  const Container::Wrapper wrapper = container.wrapper();
  const Library library(&wrapper);
  EXPECT_EQ(error_of_ptx_for(library, "90", ""), cudaSuccess);
  EXPECT_EQ(error_of_ptx_for(library, "80", "machine code for sm_80"), cudaErrorNoKernelImageForDevice);
  EXPECT_EQ(error_of_ptx_for(library, "120", "--no-compress"), cudaErrorInvalidPtx);
  Container::Wrapper linked = wrapper;
  linked.version = 2;  // of nvcc -rdc
  EXPECT_THROW(Library{&linked}, std::runtime_error);
}

TEST(Device, EveryArchitectureThatWeBuildForHasAPart) {
  for (const char* arch : {"80", "86", "87", "89", "90a", "100f", "101", "103a", "120f", "121"}) {
    const Device device = device_of(parse_architecture(arch));
    EXPECT_EQ(device.architecture.number(), parse_architecture(arch).number());
    EXPECT_LE(device.shared_bytes_opt_in + kSharedBytesReserved, device.shared_bytes_per_sm);
  }
  EXPECT_THROW(device_of(parse_architecture("75")), std::invalid_argument);
}

TEST(Device, AttributesAndPropertiesAgree) {
  Device device = device_of(parse_architecture("90a"));
  set_device(&device, "sm_count", "114");
  set_device(&device, "shared_opt_in", "100000");
  cudaDeviceProp properties;
  fill_properties(device, 0, &properties);
  EXPECT_EQ(properties.multiProcessorCount, 114);
  EXPECT_EQ(properties.sharedMemPerBlockOptin, 100000u);
  EXPECT_EQ(properties.major, 9);
  EXPECT_EQ(properties.clusterLaunch, 1);
  int value = 0;
  EXPECT_TRUE(device_attribute(device, 0, cudaDevAttrMultiProcessorCount, &value));
  EXPECT_EQ(value, 114);
  EXPECT_FALSE(device_attribute(device, 0, cudaDevAttrMaxTexture1DWidth, &value));
  EXPECT_THROW(set_device(&device, "sms", "1"), std::invalid_argument);
  EXPECT_THROW(set_device(&device, "sm_count", "0"), std::invalid_argument);
}

}  // namespace
}  // namespace ternary::softgpu
