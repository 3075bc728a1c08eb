/** Weights of several experts: each a matrix of its own, made by as many threads as pay. */
#include <algorithm>
#include <cinttypes>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/base/thread_pool.h"
#include "core/weights/alpha.h"
#include "core/weights/layout.h"

namespace ternary {
namespace {

/** Packing this many bytes takes a millisecond or more; starting a thread a twentieth of that. */
constexpr int64_t kBytesPerThread = 1 << 20;

/** Checks and converts the codes of all experts, any number of them at once. */
class ExpertCodes {
 public:
  ExpertCodes(const uint8_t* const* codes, ternary_layout source_layout, ternary_weights& weights)
      : codes_(codes), source_layout_(source_layout), weights_(weights), failures_(weights.experts) {}

  /** Throws for the first expert with a code that is none. */
  void convert() {
    const int64_t wanted = std::min(weights_.experts, ceil_div(weights_.codes_bytes, kBytesPerThread));
    run(wanted == 1 ? 1 : static_cast<int>(std::min<int64_t>(wanted, available_cores())));
    for (size_t e = 0; e < failures_.size(); ++e) {
      if (failures_[e] != nullptr) rethrow(e);
    }
  }

 private:
  void run(int threads) {
    const auto body = [](void* self, int64_t e, int) { static_cast<ExpertCodes*>(self)->convert_expert(e); };
    std::unique_ptr<ThreadPool> pool;
    try {
      pool = std::make_unique<ThreadPool>(threads);
    } catch (const Failure&) {  // no thread to be had: the caller works alone
      pool = std::make_unique<ThreadPool>(1);
    }
    pool->run(weights_.experts, threads, body, this);
  }

  /** Of a pool's thread, out of which nothing may be thrown. */
  void convert_expert(int64_t e) noexcept {
    try {
      codec(source_layout_).check(codes_[e], weights_.N, weights_.K);
      convert_codes(codes_[e], source_layout_, weights_.N, weights_.K, weights_.codes.get() + e * weights_.expert_bytes,
                    weights_.layout);
    } catch (...) {
      failures_[e] = std::current_exception();
    }
  }

  [[noreturn]] void rethrow(size_t e) {
    try {
      std::rethrow_exception(failures_[e]);
    } catch (const Failure& failure) {
      fail(failure.status(), "of codes[%zu] %s", e, failure.what());
    }
  }

  const uint8_t* const* const codes_;
  const ternary_layout source_layout_;
  ternary_weights& weights_;
  std::vector<std::exception_ptr> failures_;  ///< one an expert
};

void check_expert_codes(const uint8_t* const* codes, int64_t E) {
  check_pointer("codes", codes, alignof(const uint8_t*));
  check_experts(E);
  for (int64_t e = 0; e < E; ++e) {
    if (codes[e] == nullptr) fail(TERNARY_INVALID_ARGUMENT, "codes[%" PRId64 "] is null", e);
  }
}

void check_bytes(int64_t E, int64_t N, int64_t K, ternary_layout layout) {
  int64_t bytes;
  if (__builtin_mul_overflow(E, layout_bytes(layout, N, K), &bytes)) {
    fail(TERNARY_INVALID_ARGUMENT, "E is %" PRId64 "; as many experts of %" PRId64 " bytes overflow 2^63 bytes", E,
         layout_bytes(layout, N, K));
  }
}

}  // namespace

void check_experts(int64_t E) {
  if (E < 1 || E > kMaxExperts) {
    fail(TERNARY_INVALID_ARGUMENT, "E is %" PRId64 "; it must be 1 to %" PRId64, E, kMaxExperts);
  }
}

}  // namespace ternary

using namespace ternary;

ternary_status ternary_weights_create_experts(const uint8_t* const* codes, ternary_layout source_layout, int64_t E,
                                              int64_t N, int64_t K, ternary_layout layout, ternary_alpha_kind kind,
                                              const float* alpha, int64_t alpha_count, int64_t group,
                                              ternary_weights** weights) {
  return guarded([&] {
    check_pointer("weights", weights, alignof(ternary_weights*));
    check_expert_codes(codes, E);
    check_layout(source_layout);
    check_layout(layout);
    check_shape(N, K);
    check_bytes(E, N, K, layout);
    check_alpha({E, N, K, kind, group}, alpha, alpha_count, true);
    auto made = std::make_unique<ternary_weights>(N, K, layout, group, E);
    ExpertCodes(codes, source_layout, *made).convert();
    keep_alpha(*made, kind, alpha, alpha_count);
    *weights = made.release();
  });
}

ternary_status ternary_weights_expert_codes(const ternary_weights* weights, int64_t e, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("weights", weights, alignof(ternary_weights));
    if (e < 0 || e >= weights->experts) {
      fail(TERNARY_INVALID_ARGUMENT, "e is %" PRId64 "; it must be 0 to %" PRId64, e, weights->experts - 1);
    }
    check_pointer("i2s", i2s, 1);
    unpack_rows(weights->expert_codes(e), weights->layout, 0, weights->N, weights->K, i2s);
  });
}
