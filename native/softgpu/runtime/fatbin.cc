#include "softgpu/runtime/fatbin.h"

#include <cstring>
#include <stdexcept>
#include <string>

namespace ternary::softgpu {
namespace {

constexpr uint32_t kWrapperMagic = 0x466243b1;
constexpr uint32_t kContainerMagic = 0xba55ed50;
constexpr size_t kLeastEntryHeader = 64;  // an entry of machine code; PTX has 80 or more, with the options of ptxas

constexpr uint64_t kArchitectureSpecific = 0x100000;
constexpr uint64_t kFamilySpecific = 0x200000;
constexpr uint64_t kCompressed = 0x8000 | 0x2000;  // zstd, LZ4

template <class T>
T field(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

FatbinEntry entry_at(const uint8_t* header, uint32_t header_bytes, uint64_t payload_bytes) {
  const uint64_t flags = field<uint64_t>(header + 40);
  FatbinEntry entry;
  entry.kind = static_cast<FatbinEntry::Kind>(field<uint16_t>(header));
  const uint32_t number = field<uint32_t>(header + 28);
  entry.architecture.major = static_cast<int>(number / 10);
  entry.architecture.minor = static_cast<int>(number % 10);
  entry.architecture.suffix = flags & kArchitectureSpecific ? 'a' : flags & kFamilySpecific ? 'f' : 0;
  entry.compressed = (flags & kCompressed) != 0;
  entry.payload = {reinterpret_cast<const char*>(header + header_bytes), payload_bytes};
  if (entry.kind == FatbinEntry::Kind::ptx && !entry.compressed) {
    entry.payload = entry.payload.substr(0, entry.payload.find('\0'));
  }
  return entry;
}

}  // namespace

std::vector<FatbinEntry> read_fatbin_container(const uint8_t* container) {
  if (field<uint32_t>(container) != kContainerMagic) {
    throw std::runtime_error("what was registered as device code is no fatbin container");
  }
  const uint8_t* at = container + field<uint16_t>(container + 6);
  const uint8_t* end = at + field<uint64_t>(container + 8);
  std::vector<FatbinEntry> entries;
  while (at < end) {
    const uint64_t left = static_cast<uint64_t>(end - at);
    if (left < kLeastEntryHeader) throw std::runtime_error("a fatbin ends inside the header of an entry");
    const uint32_t header_bytes = field<uint32_t>(at + 4);
    const uint64_t payload_bytes = field<uint64_t>(at + 8);
    if (header_bytes < kLeastEntryHeader || header_bytes > left || payload_bytes > left - header_bytes) {
      throw std::runtime_error("an entry of a fatbin is longer than the fatbin");
    }
    entries.push_back(entry_at(at, header_bytes, payload_bytes));
    at += header_bytes + payload_bytes;
  }
  return entries;
}

std::vector<FatbinEntry> read_fatbin(const void* wrapper) {
  const uint8_t* bytes = static_cast<const uint8_t*>(wrapper);
  if (field<uint32_t>(bytes) != kWrapperMagic || field<uint32_t>(bytes + 4) != 1) {
    throw std::runtime_error(
        "device code is registered in a form that the software GPU does not know; build it "
        "without -rdc and -dlto");
  }
  const uint8_t* container = field<const uint8_t*>(bytes + 8);
  return read_fatbin_container(container);
}

const FatbinEntry* best_ptx(const std::vector<FatbinEntry>& entries, const Architecture& device) {
  const FatbinEntry* best = nullptr;
  for (const FatbinEntry& entry : entries) {
    if (entry.kind != FatbinEntry::Kind::ptx || !runs_on(entry.architecture, device)) continue;
    if (best == nullptr || better_than(entry.architecture, best->architecture)) best = &entry;
  }
  return best;
}

std::string describe(const std::vector<FatbinEntry>& entries) {
  std::string ptx, elf;
  for (const FatbinEntry& entry : entries) {
    if (entry.kind != FatbinEntry::Kind::ptx && entry.kind != FatbinEntry::Kind::elf) continue;
    std::string& list = entry.kind == FatbinEntry::Kind::ptx ? ptx : elf;
    list += (list.empty() ? "" : ", ") + name_of(entry.architecture);
  }
  return (ptx.empty() ? "no PTX" : "PTX for " + ptx) + ", " +
         (elf.empty() ? "no machine code" : "machine code for " + elf);
}

}  // namespace ternary::softgpu
