// TERNARY_MAX_SCRATCH: a product that would need more is refused with a sentence before anything is allocated or written.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "support/operands.h"
#include "support/problem.h"
#include "support/tuning_file.h"

namespace ternary::test {
namespace {

constexpr const char* kSmall = "TERNARY_NUM_THREADS=2\nTERNARY_MAX_SCRATCH=1000000";

/** Two million bytes of int8 rows, eight of fp32 ones. */
ProblemSpec large_spec(ternary_activation activation) { return plain_spec(activation, 2000, 8, 1024); }

/** The bytes that the sentence of the last error says were asked for. */
int64_t bytes_asked() {
  const std::string sentence = ternary_last_error(), start = "the call needs ";
  EXPECT_EQ(sentence.rfind(start, 0), 0u) << sentence;
  return std::strtoll(sentence.c_str() + start.size(), nullptr, 10);
}

void expect_refused(ternary_runtime* runtime, const ProblemSpec& spec, int64_t least_bytes) {
  const Problem problem(spec);
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S_TILED);
  Output got = problem.output();
  ASSERT_EQ(problem.run(runtime, layer.get(), got), TERNARY_OUT_OF_MEMORY) << spec.text();
  EXPECT_NE(std::string(ternary_last_error()).find(" bytes of scratch; TERNARY_MAX_SCRATCH is 1000000"),
            std::string::npos)
      << ternary_last_error();
  EXPECT_GE(bytes_asked(), least_bytes);
  EXPECT_LT(bytes_asked(), least_bytes + 1000000);
  EXPECT_EQ(got.y.anything_written(), "");
  Output few = problem.output(0, 16);
  ASSERT_EQ(problem.run(runtime, layer.get(), few, 0, 16), TERNARY_OK) << ternary_last_error();
}

TEST(ScratchLimit, RefusesTooManyRowsAndServesFewer) {
  const RuntimeHandle runtime = make_runtime(kSmall);
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  expect_refused(runtime.get(), large_spec(TERNARY_A8), 2000 * 1024);
  expect_refused(runtime.get(), large_spec(TERNARY_A16), 2000 * 1024 * 4);
}

TEST(ScratchLimit, CountsTheNormsRowsWhereTheyAreAPassOfTheirOwn) {
  const RuntimeHandle runtime = make_runtime(std::string(kSmall) + "\nTERNARY_FUSE_RMSNORM_QKV=0");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  ProblemSpec spec = large_spec(TERNARY_A8);
  spec.norm = true;
  expect_refused(runtime.get(), spec, 2000 * 1024 * 5);
}

TEST(ScratchLimit, HoldsForQuantisedActivationsToo) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2\nTERNARY_MAX_SCRATCH=5000");
  ASSERT_NE(runtime, nullptr) << ternary_last_error();
  const std::vector<float> x(4096, 1.0f);
  std::vector<int8_t> q(4096, 77);
  float s = -1;
  const ternary_quantise_operands o = quantised(x.data(), TERNARY_F32, 4096, q.data(), 4096, &s, 1, 4096);
  EXPECT_EQ(ternary_quantise(runtime.get(), &o), TERNARY_OUT_OF_MEMORY);
  EXPECT_GT(bytes_asked(), 5000);
  EXPECT_EQ(q, std::vector<int8_t>(4096, 77));
  EXPECT_EQ(s, -1);
}

TEST(ScratchLimit, IsAShareOfTheMemoryByDefault) {
  const RuntimeHandle runtime = make_runtime();
  const std::string info = info_of(runtime.get());
  const int64_t most = std::stoll(json_value(info, "value", info.find("{\"name\":\"TERNARY_MAX_SCRATCH\"")));
  EXPECT_GT(most, 1 << 20);
  EXPECT_LE(most, sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 4);
}

/** Address space that nothing may touch. */
class Untouchable {
 public:
  explicit Untouchable(size_t bytes)
      : bytes_(bytes), data_(mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~Untouchable() { munmap(data_, bytes_); }
  Untouchable(const Untouchable&) = delete;
  Untouchable& operator=(const Untouchable&) = delete;
  void* get() const { return data_; }

 private:
  size_t bytes_;
  void* data_;
};

/** A product of M rows of int8 whose operands may not be touched. */
class UntouchableProduct {
 public:
  UntouchableProduct(int64_t M, int64_t K)
      : M_(M), K_(K), x_(M * K), x_scale_(M * 4), y_(M * 2), one_row_(plain_spec(TERNARY_A8, 1, 1, K)) {}

  ternary_status run(ternary_runtime* runtime) const {
    ternary_operands o = product_of(x_.get(), TERNARY_I8, K_, y_.get(), TERNARY_F16, 1, M_);
    o.x_scale = static_cast<const float*>(x_scale_.get());
    return ternary_apply(runtime, layer_.get(), &o);
  }
  /** One row of another X, which may be touched. */
  ternary_status run_one(ternary_runtime* runtime) const {
    Output got = one_row_.output();
    return one_row_.run(runtime, layer_.get(), got);
  }

 private:
  int64_t M_, K_;
  Untouchable x_, x_scale_, y_;
  Problem one_row_;
  LayerHandle layer_ = one_row_.layer(TERNARY_LAYOUT_I2S_TILED);
};

TEST(ScratchLimit, RefusesTheMostRowsThereAreWithoutASettingToo) {
  const int64_t M = (int64_t{1} << 31) - 1, K = 1024;  // two terabytes of int8 rows
  const UntouchableProduct product(M, K);
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=2");
  EXPECT_EQ(product.run(runtime.get()), TERNARY_OUT_OF_MEMORY);
  EXPECT_GT(bytes_asked(), M * K);
  EXPECT_NE(std::string(ternary_last_error()).find("TERNARY_MAX_SCRATCH is "), std::string::npos);
  EXPECT_EQ(product.run_one(runtime.get()), TERNARY_OK) << ternary_last_error();
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which need address space, and end the process
/** Runs `body` in a child that can have `bytes` more of address space than the process has. */
template <typename Body>
int in_child_with(int64_t bytes, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const int64_t used = std::stoll(read_text("/proc/self/statm")) * sysconf(_SC_PAGESIZE);
    const rlimit limit = {static_cast<rlim_t>(used + bytes), static_cast<rlim_t>(used + bytes)};
    _exit(setrlimit(RLIMIT_AS, &limit) == 0 ? body() : 9);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/** What is wrong with a call that the limit allows and the system does not, or 0. */
int refused_by_the_system(const UntouchableProduct& product) {
  const RuntimeHandle runtime = make_runtime("TERNARY_NUM_THREADS=1\nTERNARY_MAX_SCRATCH=1000000000000");
  if (runtime == nullptr) return 2;
  if (product.run(runtime.get()) != TERNARY_OUT_OF_MEMORY) return 3;
  const std::string sentence = ternary_last_error();
  if (sentence.find("bytes of scratch, which the system does not give") == std::string::npos) return 4;
  return product.run_one(runtime.get()) == TERNARY_OK ? 0 : 5;
}

TEST(ScratchLimit, MemoryThatTheSystemRefusesIsTheSameStatusAndLaterCallsWork) {
  const UntouchableProduct product(1 << 20, 1024);  // a gigabyte
  EXPECT_EQ(in_child_with(256 << 20, [&] { return refused_by_the_system(product); }), 0);
}

TEST(ScratchLimit, TheOraclesMemoryDoesNotGrowWithTheRows) {
  const int64_t M = 1 << 18, K = 256;  // 64 MB
  const Problem problem(plain_spec(TERNARY_A8, 1, 1, K));
  const LayerHandle layer = problem.layer(TERNARY_LAYOUT_I2S);
  const std::vector<int8_t> x(M * K, 1);
  const std::vector<float> x_scale(M, 1.0f);
  std::vector<uint16_t> y(M);
  ternary_operands o = product_of(x.data(), TERNARY_I8, K, y.data(), TERNARY_F16, 1, M);
  o.x_scale = x_scale.data();
  EXPECT_EQ(in_child_with(16 << 20, [&] { return ternary_oracle_apply(layer.get(), &o) == TERNARY_OK ? 0 : 1; }), 0);
}
#endif

}  // namespace
}  // namespace ternary::test
