/**
 * @file refusal.h
 * @brief What a test of wrong arguments asks of a call, and a wrong pointer.
 */
#ifndef TERNARY_TESTS_SUPPORT_REFUSAL_H_
#define TERNARY_TESTS_SUPPORT_REFUSAL_H_

#include <gtest/gtest.h>

#include <string>

#include "ternary/ternary.h"

namespace ternary::test {

/** Asserts status and sentence of a call that has just failed. */
inline void expect_refused(ternary_status status, const std::string& fragment, const std::string& what) {
  EXPECT_EQ(status, TERNARY_INVALID_ARGUMENT) << what;
  const std::string sentence = ternary_last_error();
  EXPECT_NE(sentence.find(fragment), std::string::npos)
      << what << ": \"" << sentence << "\" lacks \"" << fragment << '"';
}

/** One byte further. */
template <typename T>
const T* misaligned(const T* pointer) {
  return reinterpret_cast<const T*>(reinterpret_cast<const char*>(pointer) + 1);
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_REFUSAL_H_
