#include "cpu/cpu_features.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>

namespace ternary::cpu {
namespace {

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d);  // leaves zeros where the leaf does not exist
  return r;
}

bool has(unsigned flags, int bit) { return flags >> bit & 1; }

/** The register state that the OS saves on a context switch (XCR0); 0 if it uses no XSAVE. */
uint64_t saved_state() {
  if (!has(cpuid(1).c, 27)) return 0;  // OSXSAVE
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
}

constexpr uint64_t kYmmState = 0x6;       // xmm, ymm
constexpr uint64_t kZmmState = 0xe6;      // and mask registers, upper zmm halves, zmm16 to zmm31
constexpr uint64_t kTileState = 0x60000;  // tile configuration, tile data

bool saves(uint64_t state) { return (saved_state() & state) == state; }

// What an instruction set needs beside those it implies, by the names of isas.inc.

const char* portable_missing() { return nullptr; }

const char* avx2_missing() {
  const Registers basic = cpuid(1), extended = cpuid(7);
  if (!has(basic.c, 28) || !has(extended.b, 5)) return "the processor has no AVX2";
  if (!has(basic.c, 12)) return "the processor has no FMA";
  if (!has(basic.c, 29)) return "the processor has no F16C";
  if (!has(extended.b, 8)) return "the processor has no BMI2";
  if (!saves(kYmmState)) return "the operating system does not save AVX registers";
  return nullptr;
}

const char* avxvnni_missing() {
  if (!has(cpuid(7, 1).a, 4)) return "the processor has no AVX-VNNI";
  return nullptr;
}

const char* avx512vnni_missing() {
  const Registers extended = cpuid(7);
  if (!has(extended.b, 16)) return "the processor has no AVX-512F";
  if (!has(extended.b, 30) || !has(extended.b, 17) || !has(extended.b, 31)) {
    return "the processor lacks AVX-512 BW, DQ or VL";
  }
  if (!has(extended.c, 11)) return "the processor has no AVX-512 VNNI";
  if (!saves(kZmmState)) return "the operating system does not save AVX-512 registers";
  return nullptr;
}

/** Linux gives a process the 8 KiB of tile state only when asked (5.16 and later). Asking again is harmless. */
const char* tiles_refused() {
  constexpr long kArchReqXcompPerm = 0x1023, kTileData = 18;
  if (syscall(SYS_arch_prctl, kArchReqXcompPerm, kTileData) == 0) return nullptr;
  return "the operating system refuses AMX tiles (Linux 5.16 or later grants them)";
}

const char* amx_missing() {
  const Registers extended = cpuid(7);
  if (!has(extended.d, 24)) return "the processor has no AMX-TILE";
  if (!has(extended.d, 25)) return "the processor has no AMX-INT8";
  if (!saves(kTileState)) return "the operating system does not save AMX tiles";
  return tiles_refused();
}

using MissingFn = const char* (*)();
constexpr MissingFn kMissing[] = {
#define ISA(name, implied, flags) name##_missing,
#include "abi/isas.inc"
#undef ISA
};

/** The first thing that is missing of an instruction set and of those it implies. */
const char* find_missing(Isa isa) {
  for (int i = 0; i < kIsaCount; ++i) {
    if (!implies(isa, static_cast<Isa>(i))) continue;
    if (const char* why = kMissing[i]()) return why;
  }
  return nullptr;
}

struct Device {
  char name[49], id[64];
};

/** The brand string: three leaves of 16 bytes, zero-terminated here, without the spaces some vendors pad it with. */
void read_name(Device& device) {
  char raw[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    const Registers r = cpuid(0x80000002u + i);
    std::memcpy(raw + 16 * i, &r, sizeof r);
  }
  const char* begin = raw + std::strspn(raw, " ");
  size_t length = std::strlen(begin);
  while (length > 0 && begin[length - 1] == ' ') --length;
  std::memcpy(device.name, begin, length);
  if (length == 0) std::strcpy(device.name, "unknown x86-64 processor");
}

/** Vendor and signature, which tell processors apart whose brand strings hypervisors have made equal. */
void read_id(Device& device) {
  const Registers vendor = cpuid(0);
  char vendor_name[13] = {};
  std::memcpy(vendor_name, &vendor.b, 4);
  std::memcpy(vendor_name + 4, &vendor.d, 4);
  std::memcpy(vendor_name + 8, &vendor.c, 4);
  const unsigned signature = cpuid(1).a, base = signature >> 8 & 15;
  const unsigned family = base == 15 ? base + (signature >> 20 & 255) : base;
  const unsigned high = base == 15 || base == 6 ? signature >> 16 & 15 : 0;
  std::snprintf(device.id, sizeof device.id, "%s family %u model %u stepping %u", vendor_name, family,
                high << 4 | (signature >> 4 & 15), signature & 15);
}

/** Read once; cpuid is slow in virtual machines (see isa_missing()). */
const Device& device() {
  static Device known;
  static std::atomic<int> state{0};  // 0 unread, 1 being read, 2 ready
  int unread = 0;
  if (state.compare_exchange_strong(unread, 1, std::memory_order_acquire)) {
    read_name(known);
    read_id(known);
    state.store(2, std::memory_order_release);
  }
  while (state.load(std::memory_order_acquire) != 2) {
  }
  return known;
}

}  // namespace

const char* isa_missing(Isa isa) {
  // cpuid traps to the hypervisor in virtual machines (tens of microseconds), so the answer is kept. A static local
  // would need libstdc++ for its guard; two threads that both compute it store the same value.
  static const char kNothing[] = "";
  static std::atomic<const char*> answers[kIsaCount] = {};  // null: not asked yet
  std::atomic<const char*>& known = answers[static_cast<int>(isa)];
  const char* answer = known.load(std::memory_order_relaxed);
  if (answer == nullptr) {
    const char* why = find_missing(isa);
    answer = why == nullptr ? kNothing : why;
    known.store(answer, std::memory_order_relaxed);
  }
  return answer == kNothing ? nullptr : answer;
}

const char* device_name() { return device().name; }

const char* device_id() { return device().id; }

}  // namespace ternary::cpu
