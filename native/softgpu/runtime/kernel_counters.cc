#include "softgpu/runtime/kernel_counters.h"

namespace ternary::softgpu {

void KernelCounterTable::add(const KernelCounters& launch) {
  KernelSum& sum = kernels_[launch.kernel];
  ++sum.launches;
  if (sum.launches == 1 || sum.counters.lines.size() != launch.lines.size()) {  // another library's kernel of that name
    const uint64_t ctas = sum.launches == 1 ? 0 : sum.counters.ctas;
    sum.counters = launch;
    sum.counters.ctas += ctas;
    return;
  }
  sum.counters.ctas += launch.ctas;
  for (size_t line = 0; line < launch.lines.size(); ++line) {
    sum.counters.lines[line].counts.add(launch.lines[line].counts);
  }
}

}  // namespace ternary::softgpu
