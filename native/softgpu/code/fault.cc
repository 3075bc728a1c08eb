#include "softgpu/code/fault.h"

namespace ternary::softgpu {

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::none: return "none";
    case FaultKind::address: return "illegal address";
    case FaultKind::misaligned: return "misaligned address";
    case FaultKind::race: return "race";
    case FaultKind::uninitialised: return "uninitialised read";
    case FaultKind::divergence: return "divergence";
    case FaultKind::deadlock: return "deadlock";
    case FaultKind::step_limit: return "step limit";
    case FaultKind::trap: return "trap";
    case FaultKind::illegal: return "illegal instruction";
  }
  return "unknown";
}

}  // namespace ternary::softgpu
