#include "core/runtime/limits.h"

#include <immintrin.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <iterator>

#include "core/base/argument.h"
#include "core/base/failure.h"

namespace ternary {
namespace {

/** By the values of ternary_limit, as in limits.inc and as sentences call them. */
constexpr const char* kLimitNames[] = {"READ", "INT8_PEAK", "TILE_LOADS"};
constexpr const char* kLimitWords[] = {"read", "int8 peak", "tile loads"};
/** How long a measurement waits for its threads: far longer than a worker needs to wake. */
constexpr int64_t kPatience = 1000000000;
/** A look at the clock after so many bytes or nanoseconds costs a percent at most. */
constexpr int64_t kSegmentBytes = 256 << 10, kSegmentNanoseconds = 10000;
/** Most steps of a LimitFn (kernel.h). */
constexpr int64_t kMostSteps = int64_t{1} << 20;
/** Per loop and try, when the fastest is looked for. */
constexpr int64_t kTryNanoseconds = 2000000;

int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * int64_t{1000000000} + time.tv_nsec;
}

bool same(const LimitQuestion& a, const LimitQuestion& b) {
  return a.kind == b.kind && a.threads == b.threads && a.bytes == b.bytes;
}

/** The bytes that one thread reads. */
int64_t part_of(const LimitQuestion& question) {
  return question.kind == TERNARY_LIMIT_READ ? question.bytes / question.threads : kLimitOperandBytes;
}

/** Lets all threads of a job begin at once; gives up if one does not come. */
class StartLine {
 public:
  explicit StartLine(int threads) : threads_(threads) {}

  /** True for all threads or for none. */
  bool everyone_comes() {
    const int64_t deadline = now() + kPatience;
    int seen = arrived_.fetch_add(1) + 1;
    for (int spin = 1; seen >= 0 && seen < threads_; ++spin, seen = arrived_.load()) {
      _mm_pause();
      if (spin % 1024 == 0 && now() > deadline && arrived_.compare_exchange_strong(seen, kGivenUp)) return false;
    }
    return seen >= 0;
  }

  bool given_up() const { return arrived_.load() < 0; }

 private:
  static constexpr int kGivenUp = INT_MIN / 2;  // stays negative whoever still arrives
  const int threads_;
  std::atomic<int> arrived_{0};
};

/** Runs body(thread) on exactly so many threads at once; throws if they cannot be had. */
template <typename Body>
void run_together(ThreadPool& pool, int threads, const Body& body) {
  struct Job {
    StartLine start;
    const Body& body;
  } job{StartLine(threads), body};
  const auto chunk = [](void* context, int64_t, int thread) {
    Job& together = *static_cast<Job*>(context);
    if (together.start.everyone_comes()) together.body(thread);
  };
  pool.run(threads, threads, chunk, &job);  // whoever has a chunk waits in it, so nobody takes two
  if (job.start.given_up()) {
    fail(TERNARY_ILLEGAL_STATE,
         "%d threads were not free within a second; nothing else may use the runtime while a limit "
         "is measured",
         threads);
  }
}

/** What one thread did. */
struct Share {
  int64_t amount = 0, begin = 0, end = 0;
};

Share read(const LimitLoop& loop, const uint8_t* part, int64_t bytes, int64_t& position, int64_t nanoseconds) {
  Share share;
  share.begin = share.end = now();
  while (share.end - share.begin < nanoseconds) {
    for (int64_t left = kSegmentBytes; left > 0;) {
      const int64_t count = std::min(left, bytes - position);
      share.amount += loop.run(part + position, count);
      position = (position + count) % bytes;
      left -= count;
    }
    share.end = now();
  }
  return share;
}

Share multiply(const LimitLoop& loop, const uint8_t* operands, int64_t nanoseconds) {
  Share share;
  share.begin = share.end = now();
  for (int64_t steps = 64; share.end - share.begin < nanoseconds;) {
    const int64_t before = share.end;
    share.amount += 2 * loop.run(operands, steps);
    share.end = now();
    if (share.end - before < kSegmentNanoseconds) steps = std::min(2 * steps, kMostSteps);
  }
  return share;
}

double rate(const ternary_limit_measurement& measurement) {
  return static_cast<double>(measurement.amount) / static_cast<double>(measurement.nanoseconds);
}

}  // namespace

void check_limit(ternary_limit limit, int64_t threads, int64_t most_threads, int64_t bytes, int64_t nanoseconds) {
  check_choice("limit", limit, kLimitWords);
  if (threads < 1 || threads > most_threads) {
    fail(TERNARY_INVALID_ARGUMENT, "threads is %" PRId64 "; it must be 1 to the runtime's %" PRId64, threads,
         most_threads);
  }
  constexpr int64_t kMostBytes = int64_t{1} << 40, kMostNanoseconds = 10000000000;
  if (limit != TERNARY_LIMIT_READ ? bytes != 0
                                  : bytes < 1 || bytes > kMostBytes || bytes % (threads * kLimitAlignment) != 0) {
    fail(TERNARY_INVALID_ARGUMENT,
         "bytes is %" PRId64 "; it must be a multiple of %" PRId64
         " a thread up to 2^40 for the "
         "limit read, and 0 for others",
         bytes, kLimitAlignment);
  }
  if (nanoseconds < 1 || nanoseconds > kMostNanoseconds) {
    fail(TERNARY_INVALID_ARGUMENT, "nanoseconds is %" PRId64 "; it must be 1 to 10^10", nanoseconds);
  }
}

Limits::Operands& Limits::operands(ThreadPool& pool, const LimitQuestion& question) {
  Operands& kept = question.kind == TERNARY_LIMIT_READ ? working_set_ : multiplied_;
  if (kept.memory != nullptr && same(kept.question, question)) return kept;
  kept.memory.reset();
  const int64_t part = part_of(question);
  LargeMemory memory = large_memory(question.threads * part);
  run_together(pool, question.threads, [&](int thread) {
    auto* words = reinterpret_cast<int64_t*>(memory.get() + thread * part);
    const int64_t ones = question.kind == TERNARY_LIMIT_READ ? 1 : 0x0101010101010101;
    std::fill_n(words, part / static_cast<int64_t>(sizeof(int64_t)), ones);
  });
  kept = {question, std::move(memory), std::vector<int64_t>(question.threads)};
  return kept;
}

ternary_limit_measurement Limits::run(ThreadPool& pool, const LimitLoop& loop, const LimitQuestion& question,
                                      int64_t nanoseconds) {
  Operands& operands = this->operands(pool, question);
  std::vector<Share> shares(question.threads);
  run_together(pool, question.threads, [&](int thread) {
    const uint8_t* part = operands.memory.get() + thread * part_of(question);
    shares[thread] = question.kind == TERNARY_LIMIT_READ
                         ? read(loop, part, part_of(question), operands.positions[thread], nanoseconds)
                         : multiply(loop, part, nanoseconds);
  });
  ternary_limit_measurement result = {};
  int64_t begin = shares[0].begin, end = shares[0].end;
  for (const Share& share : shares) {
    result.amount += share.amount;
    begin = std::min(begin, share.begin);
    end = std::max(end, share.end);
  }
  result.nanoseconds = end - begin;
  std::snprintf(result.kernel, sizeof result.kernel, "%s", loop.file);
  return result;
}

const LimitLoop& Limits::choose(ThreadPool& pool, const std::vector<const LimitLoop*>& loops,
                                const LimitQuestion& question) {
  for (const Choice& choice : choices_) {
    if (same(choice.question, question)) return *choice.loop;
  }
  std::vector<const LimitLoop*> candidates;
  std::copy_if(loops.begin(), loops.end(), std::back_inserter(candidates),
               [&](const LimitLoop* loop) { return loop->kind == question.kind; });
  if (candidates.empty()) {
    fail(TERNARY_UNSUPPORTED, "no loop measures the limit %s here; ternary_runtime_info() lists those there are",
         kLimitNames[question.kind]);
  }
  std::vector<double> best(candidates.size());
  for (int round = 0; round < 3; ++round) {  // in turns, so that a neighbour's moment does not decide
    for (size_t i = 0; i < candidates.size(); ++i) {
      best[i] = std::max(best[i], rate(run(pool, *candidates[i], question, kTryNanoseconds)));
    }
  }
  const LimitLoop* fastest = candidates[std::max_element(best.begin(), best.end()) - best.begin()];
  choices_.push_back({question, fastest});
  return *fastest;
}

ternary_limit_measurement Limits::measure(ThreadPool& pool, const std::vector<const LimitLoop*>& loops,
                                          const LimitQuestion& question, int64_t nanoseconds) {
  struct Turn {
    explicit Turn(pthread_mutex_t& mutex) : mutex_(mutex) { pthread_mutex_lock(&mutex_); }
    ~Turn() { pthread_mutex_unlock(&mutex_); }
    pthread_mutex_t& mutex_;
  } turn(mutex_);
  const LimitLoop& loop = choose(pool, loops, question);
  return run(pool, loop, question, nanoseconds);
}

}  // namespace ternary
