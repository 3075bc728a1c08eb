// Files of measurements: what they do to predictions, and one sentence for each that breaks the format.
#include "core/cost/residuals.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/failure.h"
#include "core/cost/cost.h"
#include "support/handles.h"
#include "support/random.h"

namespace ternary::test {
namespace {

/** A file in memory. */
class ResidualFile {
 public:
  ~ResidualFile() { close(file_); }

  const std::string& holding(const std::string& text) const {
    EXPECT_EQ(ftruncate(file_, 0), 0);
    EXPECT_EQ(pwrite(file_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    return path_;
  }

  /** Empty if the file was taken. */
  std::string sentence_for(const std::string& text) const {
    try {
      Residuals::read(holding(text));
      return "";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), TERNARY_INVALID_ARGUMENT);
      return failure.what();
    }
  }

  std::string at(int line, const std::string& what) const {
    return "TERNARY_COST_RESIDUALS: " + path_ + ", line " + std::to_string(line) + ": " + what;
  }

 private:
  const int file_ = memfd_create("residuals", MFD_CLOEXEC);
  const std::string path_ = "/proc/self/fd/" + std::to_string(file_);
};

const CudaRow& row_of(const char* file) { return kCudaRows[find_cuda_row(file)]; }

TEST(Residuals, AreTheMedianOfARowOnItsDevice) {
  const ResidualFile file;
  const Residuals read =
      Residuals::read(file.holding("# device kernel M N K predicted_us measured_us\n"
                                   "\n"
                                   "H100 gemm_a8_i2s_mma_128x128 512 4096 4096 10 30\n"
                                   "H100 gemm_a8_i2s_mma_128x128 256 4096 4096 10.0 15.0\n"
                                   "H100  gemm_a8_i2s_mma_128x128 256  4096 4096 10. 90\n"
                                   "H100 gemv_a8_i2s_mma 8 4096 4096 10 20\n"
                                   "RTX_5090 gemv_a8_i2s_mma 8 4096 4096 8 2"));  // without an end of line
  EXPECT_DOUBLE_EQ(read.factor("H100", row_of("gemm_a8_i2s_mma_128x128")), 3) << "of 1.5, 3 and 9";
  EXPECT_DOUBLE_EQ(read.factor("H100", row_of("gemv_a8_i2s_mma_16x128")), 2) << "by the row's name";
  EXPECT_DOUBLE_EQ(read.factor("H100", row_of("gemm_a8_i2s_mma_32x64")), 3) << "not measured: of 1.5, 2, 3 and 9";
  EXPECT_DOUBLE_EQ(read.factor("RTX 5090", row_of("gemv_a8_i2s_mma_16x128")), 0.25);
  EXPECT_DOUBLE_EQ(read.factor("A100", row_of("gemv_a8_i2s_mma_16x128")), 1) << "not measured";
  EXPECT_DOUBLE_EQ(Residuals::read("").factor("H100", row_of("gemv_a8_i2s_mma_16x128")), 1);
}

TEST(Residuals, CorrectPredictionsAndSoTheChoice) {
  const ResidualFile file;
  const DeviceAttributes h100 = {"NVIDIA H100 80GB HBM3", "sm90a", 9, 0, 0, 0, 0};
  const auto predicted = [&](const std::string& lines, int64_t M) {
    const CudaCost cost(h100, true, Residuals::read(file.holding(lines)));
    return cost.predict(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, M, 4096, 4096).value_or(ternary_prediction{});
  };
  const ternary_prediction before = predicted("", 512), twice = predicted("H100 gemm_a8_i2s 8 64 64 1 2", 512);
  EXPECT_DOUBLE_EQ(twice.microseconds, 2 * before.microseconds);
  EXPECT_STREQ(twice.kernel, before.kernel);
  EXPECT_DOUBLE_EQ(twice.byte_microseconds, before.byte_microseconds);

  const std::string first = predicted("", 1).kernel;
  const std::string next =
      predicted("H100 " + first + " 1 64 64 1 9\nH100 gemm_a8_i2s 8 64 64 1 1\nH100 gemm_a8_i2s 8 64 64 1 1", 1).kernel;
  EXPECT_NE(next, first) << "the others have the median of all, which is 1";
}

TEST(Residuals, AFaultIsNamedWithItsValueAndTheRule) {
  const ResidualFile file;
  const std::string good = "H100 gemm_a8_i2s 8 64 64 1.5 2\n";
  EXPECT_EQ(file.sentence_for(good), "");
  const std::string devices = "A100, H100, H200, B200, B300 or RTX 5090, with _ for each space";
  const std::string us = "microseconds as a decimal number above 0, of at most 18 characters";
  const std::string kernel = "the name or the function of a product kernel", count = "a whole number from 1 on";
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"H100 gemm_a8_i2s 8 64 64 1.5", "it has 6 words; it must have 7: device kernel M N K predicted_us measured_us"},
      {"H100 gemm_a8_i2s 8 64 64 1.5 2 #",
       "it has 8 words; it must have 7: device kernel M N K predicted_us measured_us"},
      {"h100 gemm_a8_i2s 8 64 64 1.5 2", "device is \"h100\"; it must be " + devices},
      {"H100 gemm 8 64 64 1.5 2", "kernel is \"gemm\"; it must be " + kernel},
      {"H100 activations 8 64 64 1.5 2", "kernel is \"activations\"; it must be " + kernel},
      {"H100 gemm_a8_i2s 0 64 64 1.5 2", "M is \"0\"; it must be " + count},
      {"H100 gemm_a8_i2s 8 -64 64 1.5 2", "N is \"-64\"; it must be " + count},
      {"H100 gemm_a8_i2s 8 64 6.4 1.5 2", "K is \"6.4\"; it must be " + count},
      {"H100 gemm_a8_i2s 8 64 64 0.0 2", "predicted_us is \"0.0\"; it must be " + us},
      {"H100 gemm_a8_i2s 8 64 64 1e3 2", "predicted_us is \"1e3\"; it must be " + us},
      {"H100 gemm_a8_i2s 8 64 64 1.5 nan", "measured_us is \"nan\"; it must be " + us},
      {"H100 gemm_a8_i2s 8 64 64 1.5 1.2.3", "measured_us is \"1.2.3\"; it must be " + us},
      {"H100 gemm_a8_i2s 8 64 64 1.5 .", "measured_us is \".\"; it must be " + us},
      {"H100 gemm_a8_i2s 8 64 64 1.5 2\r", "measured_us is \"2?\"; it must be " + us},
      {"H100 gemm_a8_i2s 8 64 64 1.5 1234567890123456789", "measured_us is \"1234567890123456789\"; it must be " + us},
  };
  for (const auto& [line, what] : faults) EXPECT_EQ(file.sentence_for("#\n" + good + line), file.at(3, what));
  EXPECT_EQ(file.sentence_for("#" + std::string(1024, ' ')), file.at(1, "it has 1025 bytes; a line has at most 1024"));
}

TEST(Residuals, MutatedFilesAreTakenOrGiveOneSentence) {
  const ResidualFile file;
  Random random(16);
  int refused = 0;
  for (int64_t i = 0; i < samples(2000); ++i) {
    std::string text = "H100 gemm_a8_i2s 8 64 64 1.5 2\nRTX_5090 gemv_a8_i2s_mma 8 4096 4096 8 2\n";
    for (int64_t bytes = random.integer(1, 4); bytes > 0; --bytes) {
      const auto at = static_cast<size_t>(random.integer(0, static_cast<int64_t>(text.size()) - 1));
      text[at] = static_cast<char>(random.integer(0, 255));
    }
    const std::string sentence = file.sentence_for(text);
    if (sentence.empty()) continue;
    ++refused;
    ASSERT_EQ(sentence.rfind("TERNARY_COST_RESIDUALS: /proc/self/fd/", 0), 0u) << sentence;
    ASSERT_LT(sentence.size(), 400u) << sentence;
    ASSERT_TRUE(std::all_of(sentence.begin(), sentence.end(), [](char c) { return 0x20 <= c && c < 0x7f; }))
        << sentence;
  }
  EXPECT_GT(refused, samples(2000) / 4);
}

}  // namespace
}  // namespace ternary::test
