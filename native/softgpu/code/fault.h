/**
 * @file fault.h
 * @brief What stops a launch, with where.
 */
#ifndef TERNARY_SOFTGPU_CODE_FAULT_H_
#define TERNARY_SOFTGPU_CODE_FAULT_H_

#include <cstdint>
#include <stdexcept>
#include <string>

namespace ternary::softgpu {

/** The kinds, which the runtime maps to CUDA's errors. */
enum class FaultKind : uint8_t {
  none,
  address,  ///< out of bounds, freed, read-only
  misaligned,
  race,           ///< between warps or CTAs
  uninitialised,  ///< read of shared memory that nothing wrote
  divergence,     ///< lanes that must meet do not
  deadlock,       ///< nothing can go on
  step_limit,
  trap,
  illegal  ///< an operand that the instruction does not allow
};
const char* name_of(FaultKind kind);

/** Thrown by whatever executes an instruction; the engine adds kernel, PTX line, text, CTA and thread. */
class Fault : public std::runtime_error {
 public:
  Fault(FaultKind of_kind, const std::string& what, int of_lane = -1)
      : std::runtime_error(what), kind(of_kind), lane(of_lane) {}
  FaultKind kind;
  int lane;  ///< -1: not one lane's
};

/** A fault with its place, as a launch reports it. */
struct FaultReport {
  FaultKind kind = FaultKind::none;
  std::string sentence;
  std::string kernel;
  int line = 0;
  std::string text;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_CODE_FAULT_H_
