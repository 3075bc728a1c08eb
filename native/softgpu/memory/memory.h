/**
 * @file memory.h
 * @brief What the interpreter asks of device memory. Device addresses are host addresses.
 */
#ifndef TERNARY_SOFTGPU_MEMORY_MEMORY_H_
#define TERNARY_SOFTGPU_MEMORY_MEMORY_H_

#include <cstdint>
#include <string>

namespace ternary::softgpu {

enum class Access : uint8_t {
  read,
  write,
  atomic,
  read_only  ///< ld.global.nc, ldu: of memory that nobody may write while the kernel runs
};
inline bool writes(Access access) { return access == Access::write || access == Access::atomic; }

/** Who accesses memory. */
struct Accessor {
  uint64_t launch = 0;  ///< the number that Grid was given
  int line = 0;         ///< of the PTX text
};

/** A stretch of memory that kernels may touch: an allocation. */
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;  ///< one past the last byte
  bool writable = false;
  /** Told of each access, for checks between launches; may be null. Called by several host threads at once. Throws
   *  Fault (uninitialised) where a kernel reads what nothing has written. */
  void (*note)(void* context, const Accessor& who, uint64_t address, uint64_t bytes, Access access) = nullptr;
  void* context = nullptr;
};

class Memory {
 public:
  virtual ~Memory() = default;

  /**
   * Finds the range that holds all of address ... address + bytes - 1 and allows the access. Otherwise returns false
   * and says why in `problem` ("address 0x... is 16 bytes past the end of the 4096 bytes allocated at 0x..."). A caller
   * may keep the range while Grid::run() runs. Called by several host threads at once.
   */
  virtual bool resolve(uint64_t address, uint64_t bytes, Access access, const Accessor& who, Range* range,
                       std::string* problem) = 0;

  /** Memory for a module's variables, zeroed and aligned to 256 bytes; lives until free_variables(). */
  virtual uint64_t allocate_variables(uint64_t bytes, const std::string& what) = 0;
  virtual void free_variables(uint64_t address) = 0;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_MEMORY_MEMORY_H_
