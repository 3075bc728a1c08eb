#include "support/test_data.h"

#include <cstdlib>

namespace ternary::test {

std::string test_data(const std::string& name) {
  const char* folder = std::getenv("TERNARY_TEST_DATA");
  return std::string(folder != nullptr ? folder : TERNARY_TEST_DATA_DIR) + "/" + name;
}

}  // namespace ternary::test
