/**
 * @file validate.h
 * @brief TERNARY_VALIDATE: the first call of each kind is compared with the oracle, and computed again where it is wrong.
 */
#ifndef TERNARY_CORE_RECHECK_VALIDATE_H_
#define TERNARY_CORE_RECHECK_VALIDATE_H_

#include <cinttypes>

#include "core/base/failure.h"
#include "core/runtime/runtime.h"
#include "core/runtime/served.h"

namespace ternary {

/** What a call is of, as sentences name it. */
struct CallShape {
  int64_t M, N, K;
};

/** Switches off what may have made the call wrong; false: there is nothing left that could serve in its place. */
bool switch_off(ternary_runtime& runtime, const RowSet& suspects, uint64_t off_before);

/** The rows of what served. */
RowSet rows_of(const Witness& witness);

/** The names of paths that a sentence lists. */
std::string names_of(const ternary_runtime& runtime, const RowSet& rows);

/**
 * Runs a call of a kind. If none of that kind is known to be right, it is compared, and computed again by the next rows of
 * the table until it is right; those that were wrong serve nothing more. Throws if nothing is left that serves.
 *
 * `run()` makes the call. `sample()` copies, before it, what `right()` needs of the operands, and what `restore()` gives
 * back to them before the next attempt. `suspects(witness)` are the rows that may have made it wrong.
 */
template <typename Run, typename MakeSample>
void validate(ternary_runtime& runtime, const PlanKey& kind, const CallShape& shape, Run run, MakeSample make_sample) {
  Validation& validation = *runtime.validation;
  if (validation.passed(kind, runtime.rows_off)) return run();
  auto sample = make_sample();
  for (std::string wrong;;) {
    const Witness witness;
    const uint64_t off = runtime.rows_off.version();
    try {
      run();
    } catch (const Failure& failure) {
      if (wrong.empty()) throw;
      fail(failure.status(),
           "TERNARY_VALIDATE found no path that gives the oracle's result for M = %" PRId64 ", N = %" PRId64
           ", K = %" PRId64 ", after %s: %s",
           shape.M, shape.N, shape.K, wrong.c_str(), failure.what());
    }
    const bool right = sample.right();
    validation.count(right);
    if (right) return validation.keep(kind, sample.depends_on(witness));
    const RowSet suspects = sample.suspects(witness);
    wrong += (wrong.empty() ? "" : ", ") + names_of(runtime, suspects);
    sample.restore();
    if (!switch_off(runtime, suspects, off)) {
      fail(TERNARY_UNSUPPORTED,
           "TERNARY_VALIDATE: %s gives a wrong result for M = %" PRId64 ", N = %" PRId64 ", K = %" PRId64
           ", and nothing can serve in its place",
           wrong.c_str(), shape.M, shape.N, shape.K);
    }
  }
}

}  // namespace ternary

#endif  // TERNARY_CORE_RECHECK_VALIDATE_H_
