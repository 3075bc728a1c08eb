// Rows of several libraries are told apart wherever the loader puts them.
#include <gtest/gtest.h>

#include <new>
#include <vector>

#include "core/cuda/device/device.h"

namespace ternary::test {
namespace {

TEST(CudaDevice, ARowHasItsPlaceWhateverTheDistanceOfTheLibraries) {
  constexpr size_t kRows = 3, kBytes = sizeof(CudaKernel);
  for (size_t gap = 0; gap < kBytes; gap += alignof(CudaKernel)) {
    std::vector<uint64_t> memory((3 * kRows * kBytes + kBytes) / sizeof(uint64_t));
    char* const begin = reinterpret_cast<char*>(memory.data());
    const CudaKernel* const low = new (begin) CudaKernel[kRows]();
    const CudaKernel* const high = new (begin + 2 * kRows * kBytes + gap) CudaKernel[kRows]();
    CudaBackend first = {}, second = {};
    first.kernel_count = second.kernel_count = kRows;
    for (const bool swapped : {false, true}) {
      first.kernels = swapped ? high : low;
      second.kernels = swapped ? low : high;
      CudaDevice device;
      device.backends = {&first, &second};
      for (size_t row = 0; row < kRows; ++row) {
        EXPECT_EQ(device.place(first.kernels[row]), row) << gap;
        EXPECT_EQ(device.place(second.kernels[row]), kRows + row) << gap;
      }
    }
  }
}

}  // namespace
}  // namespace ternary::test
