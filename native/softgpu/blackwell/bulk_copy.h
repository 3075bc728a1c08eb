/**
 * @file bulk_copy.h
 * @brief Global memory as the copy engine sees it.
 */
#ifndef TERNARY_SOFTGPU_BLACKWELL_BULK_COPY_H_
#define TERNARY_SOFTGPU_BLACKWELL_BULK_COPY_H_

#include <cstdint>
#include <vector>

#include "softgpu/blackwell/engine.h"

namespace ternary::softgpu {

/**
 * Bytes of global memory that a copy reads. Hardware reads them at any time between issue and completion, so both ends
 * are looked at: they are taken at issue, and must still be the same when the copy lands.
 */
class Source {
 public:
  /** Reads, checked and noted as an access of the engine, at the lane's instruction. */
  void take(Warp& warp, const Issue& issue, uint64_t address, uint32_t bytes, uint8_t* to, int lane);
  /** The same of bytes that were read already. */
  void keep(uint64_t address, const uint8_t* bytes, uint32_t count);
  /** Throws Fault if anything has changed. */
  void check(const char* what) const;

 private:
  struct Part {
    const uint8_t* at;
    std::vector<uint8_t> taken;
  };
  std::vector<Part> parts_;
};

/** Checks and notes a write of the engine, at the lane's instruction; the bytes are for later. */
void note_write(Warp& warp, const Issue& issue, uint64_t address, uint32_t bytes, int lane);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_BLACKWELL_BULK_COPY_H_
