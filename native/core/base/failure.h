/**
 * @file failure.h
 * @brief How a check fails: one sentence with the value and the rule, turned into a status at the C boundary.
 */
#ifndef TERNARY_CORE_BASE_FAILURE_H_
#define TERNARY_CORE_BASE_FAILURE_H_

#include <exception>
#include <new>
#include <string>

#include "ternary/ternary.h"

namespace ternary {

/** Thrown inside core/, caught by guarded(); never crosses the C interface. */
class Failure : public std::exception {
 public:
  Failure(ternary_status status, std::string sentence) : status_(status), sentence_(std::move(sentence)) {}
  ternary_status status() const { return status_; }
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  ternary_status status_;
  std::string sentence_;
};

/** Throws a Failure whose sentence is formatted as by printf. */
[[noreturn]] void fail(ternary_status status, const char* format, ...) __attribute__((format(printf, 2, 3)));

/** What of a caller's text a sentence repeats: 256 bytes at most, UTF-8 alone, '?' for control characters. */
std::string quotable(const std::string& text);

/** Keeps the sentence for ternary_last_error() of this thread, cut where it is longer than a sentence should be. */
void set_last_error(const char* sentence) noexcept;

/** Runs the body of a C function; whatever it throws becomes a status and a sentence. */
template <typename Body>
ternary_status guarded(Body&& body) noexcept {
  try {
    body();
    return TERNARY_OK;
  } catch (const Failure& failure) {
    set_last_error(failure.what());
    return failure.status();
  } catch (const std::bad_alloc&) {
    set_last_error("memory could not be allocated");
    return TERNARY_OUT_OF_MEMORY;
  } catch (const std::exception& exception) {
    set_last_error(exception.what());
    return TERNARY_DEVICE_ERROR;
  }
}

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_FAILURE_H_
