// Which libraries of GPU kernels a device gets, and what is said of those that it does not get. The libraries have no
// kernels (fake_cuda_library.cc), and of CUDA there is what making a device current needs.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "core/base/failure.h"
#include "core/base/process.h"
#include "core/cuda/device/libraries.h"

namespace ternary::test {
namespace {

Cudart fake_cudart() {
  Cudart cuda = {};
  cuda.GetDevice = [](int* ordinal) {
    *ordinal = 0;
    return kCudaSuccess;
  };
  cuda.SetDevice = [](int) { return kCudaSuccess; };
  cuda.ThreadExchangeStreamCaptureMode = [](int*) { return kCudaSuccess; };
  cuda.GetLastError = [] { return kCudaSuccess; };
  cuda.GetErrorName = [](int) { return "cudaErrorNoKernelImageForDevice"; };
  cuda.GetErrorString = [](int) { return "no kernel image"; };
  return cuda;
}

const Cudart kFakeCudart = fake_cudart();

/** A folder of backends of its own. What has been loaded stays in the process, so each test has its own names. */
class CudaLibraries : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("cuda_libraries_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    configure_process(folder_.c_str(), 1);
    put(first() + "_sm90a", TERNARY_SERVING_LIBRARY);
    put(first() + "_sm100f", TERNARY_SERVING_LIBRARY);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder_);
    configure_process(nullptr, 1);
  }

  std::string first() const { return folder_.filename(); }

  void put(const std::string& name, const char* library) const {
    const auto over = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(library, folder_ / ("libternary_" + name + ".so"), over);
  }

  /** What a device has of the first library and of another. */
  CudaDevice take(int major, int minor, const char* other, const char* archs,
                  CutlassChoice cutlass = CutlassChoice::automatic) const {
    CudaDevice device;
    device.cuda = &kFakeCudart;
    device.name = "B";
    device.major = major;
    device.minor = minor;
    const std::string name = first();
    EXPECT_EQ(take_libraries({{name.c_str(), ""}, {other, archs}}, CudaPtx::never, cutlass, device).reason, "");
    EXPECT_EQ(device.libraries.size(), 2u);
    EXPECT_EQ(device.libraries[0].name, name);
    EXPECT_EQ(device.libraries[0].reason, "");
    EXPECT_EQ(device.libraries[1].name, other);
    EXPECT_EQ(device.backends.size(), device.libraries[1].reason.empty() ? 2u : 1u);
    return device;
  }

  /** What is said of the other library, which the device lacks. */
  std::string reason_on_10_0(const char* other) const {
    const CudaLibrary missing = take(10, 0, other, "100a").libraries[1];
    EXPECT_TRUE(missing.missing);
    EXPECT_EQ(missing.arch, "sm100a");
    return missing.reason;
  }

  std::filesystem::path folder_;
};

TEST_F(CudaLibraries, WithAnArchitectureOfItsOwnServesThatCapabilityAlone) {
  put("own_sm100a", TERNARY_SERVING_LIBRARY);
  const CudaDevice served = take(10, 0, "own", "100a");
  EXPECT_EQ(served.libraries[0].arch, "sm100f");
  EXPECT_EQ(served.libraries[1].arch, "sm100a");
  EXPECT_FALSE(served.libraries[1].missing);
  for (const auto& [major, minor, arch] : {std::tuple{9, 0, "sm90a"}, {10, 1, "sm100f"}, {10, 3, "sm100f"}}) {
    const CudaDevice device = take(major, minor, "own", "100a");
    EXPECT_EQ(device.libraries[0].arch, arch);
    EXPECT_EQ(device.libraries[1].reason, "it is made for sm100a, not for B (compute capability " +
                                              std::to_string(major) + '.' + std::to_string(minor) + ')');
    EXPECT_FALSE(device.libraries[1].missing) << "it would not serve anyway";
  }
}

TEST_F(CudaLibraries, WithTwoArchitecturesOfItsOwn) {
  put("two_sm100a", TERNARY_SERVING_LIBRARY);
  put("two_sm103a", TERNARY_SERVING_LIBRARY);
  EXPECT_EQ(take(10, 0, "two", "100a, 103a").libraries[1].arch, "sm100a");
  EXPECT_EQ(take(10, 3, "two", "100a, 103a").libraries[1].arch, "sm103a");
}

TEST_F(CudaLibraries, WithoutArchitecturesOfItsOwnIsLookedForAsTheFirstIs) {
  put("common_sm100f", TERNARY_SERVING_LIBRARY);
  EXPECT_EQ(take(10, 3, "common", "").libraries[1].arch, "sm100f");
}

TEST_F(CudaLibraries, ThatIsNotThereIsMissing) {
  EXPECT_EQ(reason_on_10_0("absent"), "libternary_absent_sm100a.so does not lie beside libternary.so");
}

TEST_F(CudaLibraries, ThatIsDamagedIsMissing) {
  std::ofstream(folder_ / "libternary_damaged_sm100a.so") << "no library";
  const std::string reason = reason_on_10_0("damaged");
  EXPECT_NE(reason.find("libternary_damaged_sm100a.so cannot be loaded: "), std::string::npos) << reason;
}

TEST_F(CudaLibraries, OfAnotherVersionIsMissing) {
  put("foreign_sm100a", TERNARY_FOREIGN_LIBRARY);
  const std::string reason = reason_on_10_0("foreign");
  EXPECT_NE(reason.find("libternary_foreign_sm100a.so is not of this library's version"), std::string::npos) << reason;
}

TEST_F(CudaLibraries, WhoseCodeTheDeviceDoesNotRunIsMissing) {
  put("vacuous_sm100a", TERNARY_VACUOUS_LIBRARY);
  EXPECT_EQ(reason_on_10_0("vacuous"),
            "B (compute capability 10.0) does not run libternary_vacuous_sm100a.so: no kernel image "
            "(cudaErrorNoKernelImageForDevice)");
}

TEST_F(CudaLibraries, TheFirstIsAnErrorWhereItIsDamaged) {
  std::ofstream(folder_ / ("libternary_" + first() + "_sm100f.so")) << "no library";
  CudaDevice device;
  device.cuda = &kFakeCudart;
  device.major = 10;
  const std::string name = first();
  EXPECT_THROW(take_libraries({{name.c_str(), ""}}, CudaPtx::never, CutlassChoice::automatic, device), Failure);
}

TEST_F(CudaLibraries, CutlassIsMissingUnlessTheSettingLeavesItOut) {
  const std::string cutlass(kCutlassLibrary);
  for (const CutlassChoice choice : {CutlassChoice::automatic, CutlassChoice::always}) {
    const CudaDevice device = take(10, 0, cutlass.c_str(), "100a", choice);
    ASSERT_NE(device.missing_cutlass(), nullptr);
    EXPECT_EQ(device.missing_cutlass()->arch, "sm100a");
    EXPECT_EQ(take(10, 3, cutlass.c_str(), "100a", choice).missing_cutlass(), nullptr);
  }
  put(cutlass + "_sm100a", TERNARY_SERVING_LIBRARY);
  const CudaDevice without = take(10, 0, cutlass.c_str(), "100a", CutlassChoice::never);
  EXPECT_EQ(without.libraries[1].reason, "TERNARY_CUTLASS is 0");
  EXPECT_EQ(without.missing_cutlass(), nullptr);
  const CudaDevice with = take(10, 0, cutlass.c_str(), "100a", CutlassChoice::automatic);
  EXPECT_EQ(with.libraries[1].arch, "sm100a");
  EXPECT_EQ(with.missing_cutlass(), nullptr);
}

}  // namespace
}  // namespace ternary::test
