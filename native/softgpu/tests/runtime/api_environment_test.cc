// Machines without a device, with an old driver, with two devices: each in a process of its own.
#include <cstdlib>

#include "softgpu/tests/runtime/api_fixture.h"

namespace ternary::softgpu {
namespace {

/** Sets a variable for the process that a death test starts. */
class ChildSetting {
 public:
  ChildSetting(const char* name, const char* value) : name_(name) {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";  // it starts the program anew
    setenv(name, value, 1);
  }
  ~ChildSetting() { unsetenv(name_); }

 private:
  const char* name_;
};

void leave(bool good) { std::_Exit(good ? 0 : 1); }

TEST(EnvironmentDeathTest, NoDevice) {
  const ChildSetting setting("SOFTGPU_DEVICES", "0");
  const auto body = [] {
    int count = 7;
    void* pointer = nullptr;
    leave(cudaGetDeviceCount(&count) == cudaErrorNoDevice && count == 0 &&
          cudaMalloc(&pointer, 4) == cudaErrorNoDevice && launch_visit(1, nullptr) == cudaErrorNoDevice);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST(EnvironmentDeathTest, OldDriver) {
  const ChildSetting setting("SOFTGPU_DRIVER", "old");
  const auto body = [] {
    int count = 7, driver = 0, runtime = 0;
    const bool versions =
        cudaDriverGetVersion(&driver) == cudaSuccess && cudaRuntimeGetVersion(&runtime) == cudaSuccess;
    leave(versions && driver < runtime && cudaGetDeviceCount(&count) == cudaErrorInsufficientDriver && count == 0);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST(EnvironmentDeathTest, AWrongValueIsNamed) {
  const ChildSetting setting("SOFTGPU_THREADS", "many");
  const auto body = [] {
    int count = 0;
    leave(cudaGetDeviceCount(&count) == cudaErrorInitializationError);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "SOFTGPU_THREADS is 'many'");
}

// Both ways: what a GPU does under Linux's HMM, and what it does without. What nobody has mapped is a fault either way.
TEST(EnvironmentDeathTest, OrdinaryHostMemoryIsReadWhereTheDeviceSaysSo) {
  for (const char* value : {"0", "1"}) {
    const ChildSetting setting("SOFTGPU_HOST_MEMORY", value);
    const auto body = [] {
      const bool expected = std::getenv("SOFTGPU_HOST_MEMORY")[0] == '1';
      std::vector<int> from = counting(64, 5), to(64), reversed(from.rbegin(), from.rend());
      int says = -1;
      bool good = cudaDeviceGetAttribute(&says, cudaDevAttrPageableMemoryAccess, 0) == cudaSuccess && says == expected;
      good = good && launch_reverse(64, from.data(), to.data(), 256, nullptr) == cudaSuccess;
      good = good && (cudaDeviceSynchronize() == cudaSuccess) == expected && (to == reversed) == expected;
      cudaDeviceReset();
      cudaGetLastError();
      const int* nowhere = from.data() + (int64_t{1} << 44);
      good = good && launch_reverse(64, nowhere, to.data(), 256, nullptr) == cudaSuccess;
      leave(good && cudaDeviceSynchronize() != cudaSuccess);
    };
    EXPECT_EXIT(body(), testing::ExitedWithCode(0), "") << value;
  }
}

TEST(EnvironmentDeathTest, TwoDevicesKeepTheirMemoryApart) {
  const ChildSetting setting("SOFTGPU_DEVICES", "2");
  const auto body = [] {
    int* here = nullptr;
    bool good = cudaMalloc(reinterpret_cast<void**>(&here), 256) == cudaSuccess && cudaSetDevice(1) == cudaSuccess;
    int device = -1;
    cudaPointerAttributes attributes;
    good = good && cudaGetDevice(&device) == cudaSuccess && device == 1;
    good = good && cudaPointerGetAttributes(&attributes, here) == cudaSuccess && attributes.device == 0;
    good = good && cudaSetDevice(2) == cudaErrorInvalidDevice;
    good = good && launch_bounded(64, here, nullptr) == cudaErrorInvalidDevice;  // left over by the line above
    good = good && cudaDeviceSynchronize() == cudaErrorIllegalAddress;
    leave(good);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "memory of device 0, the kernel runs on device 1");
}

TEST(EnvironmentDeathTest, LeaksAreListedWhenAskedFor) {
  const ChildSetting setting("SOFTGPU_LEAKS", "1");
  const auto body = [] {
    void *kept = nullptr, *freed = nullptr;
    const bool good = cudaMalloc(&kept, 4321) == cudaSuccess && cudaMalloc(&freed, 1234) == cudaSuccess &&
                      cudaFree(freed) == cudaSuccess && SOFTGPU(softgpu_leaks)(0) == 1;
    std::exit(good ? 0 : 1);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "not freed: 4321 bytes");
}

}  // namespace
}  // namespace ternary::softgpu
