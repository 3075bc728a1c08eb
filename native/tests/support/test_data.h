/**
 * @file test_data.h
 * @brief Where the files of test-data are.
 */
#ifndef TERNARY_TESTS_SUPPORT_TEST_DATA_H_
#define TERNARY_TESTS_SUPPORT_TEST_DATA_H_

#include <string>

namespace ternary::test {

/** A file or folder of test-data, e.g. "shapes/odd.txt": in the folder $TERNARY_TEST_DATA, which the bundle for GPU
    machines sets, else in the source tree. */
std::string test_data(const std::string& name);

}  // namespace ternary::test

#endif  // TERNARY_TESTS_SUPPORT_TEST_DATA_H_
