// Every kernel that makes activations ready (load, residual, norm, quantise) against the oracle: same bits, and nothing
// written outside.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "core/product/oracle.h"
#include "support/backend_rows.h"
#include "support/problem.h"

namespace ternary::test {
namespace {

/** What one run wrote; only the group of the mode is there. */
struct Ready {
  OutputMatrix q, f, s, residual_out;
  GuardedBuffer q_sums;
};

class ActivationCase {
 public:
  /** `padded`: zero columns up to the padding, as dispatch asks; else q is a user's matrix with gaps. */
  ActivationCase(const ProblemSpec& spec, bool padded, bool with_q_sums) : problem_(spec), with_q_sums_(with_q_sums) {
    columns_ = padded ? round_up(spec.K, kRowPadding) : spec.K;
    ld_ = padded ? columns_ : spec.K + spec.y_gap;
    expected_ = ready();
    oracle::activations(task(expected_), spec.M);
  }

  /** Runs rows m_begin ... m_end; empty if they, and nothing else, hold the oracle's bits. */
  std::string run(const Kernel& kernel, int64_t m_begin, int64_t m_end) const {
    set_crash_note(std::string(kernel.file) + ": " + problem_.spec().text());
    const Ready got = ready();
    call_activations(kernel, task(got), m_begin, m_end);
    std::string what = compare("q", got.q, expected_.q, m_begin, m_end);
    if (what.empty()) what = compare("s", got.s, expected_.s, m_begin, m_end);
    if (what.empty()) what = compare("f", got.f, expected_.f, m_begin, m_end);
    if (what.empty()) what = compare("residual_out", got.residual_out, expected_.residual_out, m_begin, m_end);
    if (what.empty() && !got.q_sums.empty() &&
        std::memcmp(got.q_sums.as<int32_t>() + m_begin * sums(), expected_.q_sums.as<int32_t>() + m_begin * sums(),
                    4 * (m_end - m_begin) * sums()) != 0) {
      what = "q_sums differ";
    }
    return what.empty() ? "" : what + " in " + problem_.spec().text();
  }

 private:
  std::string compare(const char* name, const OutputMatrix& got, const OutputMatrix& expected, int64_t m_begin,
                      int64_t m_end) const {
    if (got.empty()) return "";
    const Part part{m_begin, m_end, 0, got.columns()};
    const bool in_place = &expected == &expected_.residual_out && problem_.spec().in_place;
    std::string what = got.outside_written(in_place ? got.whole() : part);
    if (what.empty()) what = got.difference(expected, part);
    return what.empty() ? "" : std::string(name) + ": " + what;
  }

  Ready ready() const {
    const ProblemSpec& spec = problem_.spec();
    Ready r;
    r.residual_out = std::move(problem_.output().residual_out);
    if (spec.activation == TERNARY_A16) {
      r.f = OutputMatrix(TERNARY_F32, spec.M, columns_, ld_);
      return r;
    }
    r.q = OutputMatrix(TERNARY_I8, spec.M, columns_, ld_);
    r.s = OutputMatrix(TERNARY_F32, spec.M, problem_.scales(), problem_.scales());
    if (with_q_sums_) r.q_sums = GuardedBuffer(spec.M * sums() * 4);
    return r;
  }

  ActivationTask task(const Ready& r) const {
    const ProblemSpec& spec = problem_.spec();
    ActivationTask task = {};
    task.x = problem_.x.data();
    task.x_dtype = spec.x_dtype;
    task.ldx = problem_.ldx();
    task.x_scale = problem_.x_scale.empty() ? nullptr : problem_.x_scale.as<float>();
    if (spec.residual) {
      task.residual_out = r.residual_out.data();
      task.residual = spec.in_place ? task.residual_out : problem_.residual.data();
      task.residual_dtype = *spec.residual;
      task.ld_residual = problem_.ld_residual();
    }
    task.norm_weight = spec.norm ? problem_.norm_weight.as<float>() : nullptr;
    task.eps = problem_.eps;
    task.rotation = spec.rotation;
    task.signs = spec.signs ? problem_.signs.as<float>() : nullptr;
    task.alpha_column = spec.kind == TERNARY_ALPHA_COLUMN ? problem_.alpha.as<float>() : nullptr;
    task.K = spec.K;
    task.block = spec.block;
    task.padded = columns_;
    task.ldq = task.ldf = ld_;
    if (spec.activation == TERNARY_A16) {
      task.f = static_cast<float*>(r.f.data());
    } else {
      task.q = static_cast<int8_t*>(r.q.data());
      task.s = static_cast<float*>(r.s.data());
      task.unit = unit();
      task.q_sums = r.q_sums.empty() ? nullptr : r.q_sums.as<int32_t>();
    }
    return task;
  }

  /** As for a product with alpha per group of the spec, whatever its kind of alpha. */
  int64_t unit() const { return unit_columns(problem_.spec().group, problem_.spec().block); }
  int64_t sums() const { return sums_of_row(problem_.spec().K, unit()); }

  Problem problem_;
  bool with_q_sums_;
  int64_t columns_, ld_;
  Ready expected_;
};

void check_all_rows(const ProblemSpec& spec) {
  Random random(spec.seed ^ 0xac7);
  const ActivationCase whole(spec, true, true), gaps(spec, false, false);
  const int64_t begin = random.integer(0, spec.M - 1), end = random.integer(begin + 1, spec.M);
  for (const Kernel* kernel : runnable_rows(Stage::activations)) {
    ASSERT_EQ(whole.run(*kernel, 0, spec.M), "") << kernel->file;
    ASSERT_EQ(whole.run(*kernel, begin, end), "") << kernel->file << ", rows " << begin << " to " << end;
    ASSERT_EQ(gaps.run(*kernel, 0, spec.M), "") << kernel->file << ", user's matrix";
  }
}

TEST(ActivationKernels, RandomProblems) {
  ASSERT_GE(runnable_rows(Stage::activations).size(), 1u);
  const int64_t count = samples(1500);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(50000 + static_cast<uint64_t>(i), 2000000);
    spec.N = 1;
    check_all_rows(spec);
    if (HasFatalFailure()) return;
  }
}

TEST(ActivationKernels, EveryTailOfKInEveryType) {
  for (int64_t K = 1; K <= 300; K += K < 70 ? 1 : 13) {
    for (int type = 0; type < 5; ++type) {
      ProblemSpec spec;
      spec.M = 10;
      spec.K = K;
      spec.x_dtype = static_cast<ternary_dtype>(type);
      spec.x_gap = spec.y_gap = 3;
      spec.seed = static_cast<uint64_t>(K);
      check_all_rows(spec);
      if (HasFatalFailure()) return;
      if (spec.x_dtype == TERNARY_I8) continue;
      spec.norm = true;
      spec.residual = static_cast<ternary_dtype>(K % 3);
      spec.values = Values::finite;
      check_all_rows(spec);
      spec.activation = TERNARY_A16;
      check_all_rows(spec);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ActivationKernels, RandomProblemsByBlockAndRotated) {
  const int64_t count = samples(1500);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(70000 + static_cast<uint64_t>(i), 2000000);
    spec.N = 1;
    check_all_rows(spec);
    if (HasFatalFailure()) return;
  }
}

TEST(ActivationKernels, EveryTailOfKByBlock) {
  for (const int64_t block : {32, 64, 96, 128, 256, 4096}) {
    for (int64_t K = 1; K <= 300; K += K < 70 ? 1 : 13) {
      ProblemSpec spec = plain_spec(TERNARY_A8, 10, 1, K);
      spec.block = block;
      spec.x_dtype = static_cast<ternary_dtype>(K % 5);
      spec.x_gap = spec.y_gap = 3;
      spec.seed = static_cast<uint64_t>(K);
      spec.kind = spec.x_dtype == TERNARY_I8 ? TERNARY_ALPHA_ROW : TERNARY_ALPHA_COLUMN;
      check_all_rows(spec);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(ActivationKernels, EveryRotationOfOneRunAndOfSeveral) {
  for (int64_t rotation = 32; rotation <= 4096; rotation *= 2) {
    for (const int64_t runs : {1, 2, 3}) {
      for (int way = 0; way < 8; ++way) {
        ProblemSpec spec = plain_spec(way & 1 ? TERNARY_A16 : TERNARY_A8, 3, 1, runs * rotation);
        spec.rotation = rotation;
        spec.signs = (way & 2) != 0;
        spec.norm = (way & 4) != 0;
        spec.block = way == 6 ? 64 : 0;
        spec.kind = runs == 3 ? TERNARY_ALPHA_COLUMN : TERNARY_ALPHA_ROW;
        spec.seed = static_cast<uint64_t>(rotation * 8 + way);
        check_all_rows(spec);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(ActivationKernels, NormOfLongRows) {
  // Many rounds of the 256 partial sums, with a short last one.
  for (int64_t K : {255, 256, 257, 511, 512, 513, 4096, 4097, 65536 + 100}) {
    for (Values values : {Values::finite, Values::all_max, Values::zero}) {
      ProblemSpec spec;
      spec.M = 3;
      spec.K = K;
      spec.norm = true;
      spec.values = values;
      spec.kind = TERNARY_ALPHA_COLUMN;
      check_all_rows(spec);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace ternary::test
