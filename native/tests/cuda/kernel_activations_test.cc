// The kernels that make rows of X ready on a GPU, against the oracle: same bits, and nothing written outside.
#include <gtest/gtest.h>

#include "support/cuda/activation_case.h"
#include "support/cuda/rows.h"

namespace ternary::test {
namespace {

void check(const ProblemSpec& spec, std::initializer_list<Use> uses) {
  for (Use use : uses) {
    if (use == Use::planes && spec.x_dtype == TERNARY_I8) continue;  // A16 has no int8 X
    ActivationCase rows(spec, use);
    for (const CudaKernel* kernel : cuda_rows(CudaStage::activations)) ASSERT_EQ(rows.run(*kernel), "") << kernel->file;
  }
}

constexpr std::initializer_list<Use> kEveryUse = {Use::i2s, Use::t5, Use::dense, Use::user, Use::planes};

TEST(CudaActivations, RandomProblems) {
  ASSERT_EQ(cuda_rows(CudaStage::activations).size(), 1u);
  const int64_t count = samples(50);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_spec(70000 + static_cast<uint64_t>(i), 12000);
    spec.N = 1;
    check(spec, kEveryUse);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaActivations, EveryTailOfKInEveryType) {
  for (int64_t K = 1; K <= 300; K += K < 8 ? 1 : 41) {
    for (int type = 0; type < 5; ++type) {
      ProblemSpec spec;
      spec.M = 2;
      spec.K = K;
      spec.x_dtype = static_cast<ternary_dtype>(type);
      spec.x_gap = spec.y_gap = 3;
      spec.seed = static_cast<uint64_t>(K);
      check(spec, {Use::i2s, Use::user});
      if (HasFatalFailure()) return;
      if (spec.x_dtype == TERNARY_I8) continue;
      spec.norm = true;
      spec.residual = static_cast<ternary_dtype>(K % 3);
      spec.in_place = K % 2 == 0;
      spec.values = Values::finite;
      check(spec, {Use::t5, Use::planes});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(CudaActivations, LongRowsPassInChunks) {
  // A chunk is 24576 columns: exactly one, a little more, and two and a bit, with all that is read again in each pass.
  for (int64_t K : {24576, 24577, 50000}) {
    ProblemSpec spec;
    spec.M = 2;
    spec.K = K;
    spec.norm = true;
    spec.residual = TERNARY_F16;
    spec.in_place = true;
    spec.x_dtype = TERNARY_BF16;
    spec.kind = TERNARY_ALPHA_GROUP;
    spec.group = K % 2 == 0 ? 96 : 2048;
    spec.values = Values::finite;
    check(spec, {Use::i2s, Use::planes});
    if (HasFatalFailure()) return;
    spec.norm = spec.in_place = false;
    spec.residual.reset();
    spec.values = Values::mixed;
    spec.group = 0;
    spec.kind = TERNARY_ALPHA_COLUMN;
    check(spec, {Use::t5, Use::user});
    if (HasFatalFailure()) return;
  }
}

TEST(CudaActivations, RandomBlocksAndRotations) {
  const int64_t count = samples(80);
  for (int64_t i = 0; i < count; ++i) {
    ProblemSpec spec = random_block_spec(71000 + static_cast<uint64_t>(i), 12000);
    spec.N = 1;
    check(spec, kEveryUse);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaActivations, EveryRotation) {
  for (int64_t rotation = 32; rotation <= 4096; rotation *= 2) {
    for (const int64_t runs : {int64_t{1}, int64_t{3}, 8192 / rotation}) {
      ProblemSpec spec;
      spec.M = 2;
      spec.K = runs * rotation;
      spec.rotation = rotation;
      spec.signs = runs != 1;
      spec.norm = runs == 3;
      spec.x_dtype = TERNARY_BF16;
      spec.values = Values::finite;
      if (runs != 3) spec.kind = TERNARY_ALPHA_COLUMN;
      spec.seed = static_cast<uint64_t>(rotation + runs);
      check(spec, {Use::i2s, Use::user, Use::planes});
      if (HasFatalFailure()) return;
    }
  }
}

// A chunk is 24576 columns. Maxima of blocks lie in shared memory up to 23831 columns by 32, else where scales will be;
// a block may be longer than a chunk, and begin in one and end in another.
TEST(CudaActivations, BlocksOfLongRows) {
  for (const int64_t K : {23808, 23840, 24576, 28672, 53248}) {
    for (const int64_t block : {32, 96, 160, 8192, 28000, 1 << 20}) {
      ProblemSpec spec;
      spec.M = 1;
      spec.K = K;
      spec.block = block;
      spec.x_dtype = TERNARY_BF16;
      spec.seed = static_cast<uint64_t>(K + block);
      spec.norm = block == 160;
      if (K % 4096 == 0 && block != 96) spec.rotation = 4096, spec.signs = true;
      check(spec, {K % 64 == 0 ? Use::i2s : Use::user});
      if (HasFatalFailure()) return;
    }
  }
}

// Floors, zeros and rows that are not finite, block by block: every row has its own way.
TEST(CudaActivations, BlocksOfExtremeRows) {
  for (const int64_t block : {32, 64, 128, 1024}) {
    for (const Values values : {Values::all_max, Values::zero, Values::mixed}) {
      for (const ternary_dtype x_dtype : {TERNARY_F32, TERNARY_F16, TERNARY_I8}) {
        ProblemSpec spec;
        spec.M = 12;
        spec.K = 333;
        spec.block = block;
        spec.x_dtype = x_dtype;
        spec.values = values;
        spec.seed = static_cast<uint64_t>(block);
        check(spec, {Use::i2s, Use::user});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(CudaActivations, NormOfExtremeRows) {
  for (int64_t K : {255, 256, 257, 513, 4097}) {
    for (Values values : {Values::all_max, Values::zero, Values::mixed}) {
      ProblemSpec spec;
      spec.M = 3;
      spec.K = K;
      spec.norm = true;
      spec.values = values;
      check(spec, {Use::i2s});
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace ternary::test
