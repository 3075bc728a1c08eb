/**
 * @file shadow_log.h
 * @brief Which calls of a runtime are computed again, what came of it, and the file of what differed.
 */
#ifndef TERNARY_CORE_JUDGE_SHADOW_LOG_H_
#define TERNARY_CORE_JUDGE_SHADOW_LOG_H_

#include <atomic>
#include <string>

#include "core/base/json.h"
#include "core/judge/differences.h"

namespace ternary {

/** A call that was computed again, as its line names it. */
struct ShadowedCall {
  std::string op, path;
  int64_t M, N, K;
  const char* activation;
  const char* layout;
};

/** Throws unless lines can be written to the file of TERNARY_SHADOW_FILE, report_file(path). */
void check_shadow_file(const std::string& path);

/** Any number of threads may call. */
class ShadowLog {
 public:
  /** One call of `every` is drawn, at most `most` lines go to `path`, which is empty for none. `by` computes again. Makes the
   *  file if there is none; throws if it cannot. */
  ShadowLog(std::string by, int64_t every, const std::string& path, int64_t most);

  /** Whether this call is computed again: of one thread's the first, and every `every`-th from there. Several threads that
   *  draw at once may lose a step of the count or draw twice, for it is stored back without a lock. */
  bool draw() noexcept {
    const int64_t left = left_.load(std::memory_order_relaxed);
    if (left > 1) {
      left_.store(left - 1, std::memory_order_relaxed);
      return false;
    }
    left_.store(every_, std::memory_order_relaxed);
    return true;
  }

  void count_unsampled() noexcept { unsampled_.fetch_add(1, std::memory_order_relaxed); }
  void count_failed() noexcept { failed_.fetch_add(1, std::memory_order_relaxed); }

  /** A call was computed again: counts it and, where it differs and there are lines left, writes one. Throws if it cannot
   *  be written. */
  void add(const ShadowedCall& call, const Differences& differences);

  Counts counts() const;

 private:
  const std::string by_, file_;
  const int64_t every_, most_;
  std::atomic<int64_t> left_{1}, lines_{0};
  std::atomic<uint64_t> sampled_{0}, unsampled_{0}, different_{0}, written_{0}, failed_{0};
};

}  // namespace ternary

#endif  // TERNARY_CORE_JUDGE_SHADOW_LOG_H_
