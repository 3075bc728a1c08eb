// The parser of tuning files against damaged ones: values in their ranges, or one sentence; never a crash.
#include "core/policy/tuning_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/failure.h"
#include "support/handles.h"
#include "support/random.h"

namespace ternary::test {
namespace {

const TunedMachine kMachine = {"A Processor 9000", "AnyVendor family 1 model 2 stepping 3", Isa::avx2, 8, 33554432};

std::vector<std::string> valid_lines() {
  std::vector<std::string> lines = {"# measured here",
                                    "",
                                    std::string("version=") + ternary_version(),
                                    "device=" + kMachine.device,
                                    "device_id=" + kMachine.device_id,
                                    "isa=avx2",
                                    "cores=8",
                                    "cache_bytes=33554432"};
  const size_t comments = 2;
  for (const TuningValue& value : kTuningValues) {
    lines.push_back(std::string(value.name) + "=" +
                    std::to_string(built_in_tuning(Isa::avx2, Microarchitecture::other).*value.value));
  }
  lines.push_back("end=" + std::to_string(lines.size() - comments));
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

/** A file in memory, rewritten for each text: on a disk thousands of them take seconds. */
class TuningFileParser : public testing::Test {
 public:
  ~TuningFileParser() override { close(file_); }

 protected:
  /** Empty if the values were taken. */
  std::string sentence_for(const std::string& text) const {
    EXPECT_EQ(ftruncate(file_, 0), 0);
    EXPECT_EQ(pwrite(file_, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    try {
      const Tuning tuning = read_tuning(path_, kMachine);
      for (const TuningValue& value : kTuningValues) {
        EXPECT_GE(tuning.*value.value, value.least) << value.name;
        EXPECT_LE(tuning.*value.value, value.most) << value.name;
      }
      return "";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), TERNARY_INVALID_ARGUMENT);
      return failure.what();
    }
  }

  const int file_ = memfd_create("tuning", MFD_CLOEXEC);
  const std::string path_ = "/proc/self/fd/" + std::to_string(file_);
};

/** Bytes and lines changed, added, doubled, moved and lost; numbers made extreme; the file cut. */
std::string mutated(Random& random, std::vector<std::string> lines) {
  const auto below = [&](size_t count) {
    return count == 0 ? 0 : static_cast<size_t>(random.integer(0, static_cast<int64_t>(count) - 1));
  };
  static const std::vector<std::string> values = {"",
                                                  "0",
                                                  "-1",
                                                  "9223372036854775807",
                                                  "18446744073709551616",
                                                  "1e9",
                                                  "0x10",
                                                  " 1",
                                                  "1\r",
                                                  std::string(1, '\0'),
                                                  "\xff\xfe",
                                                  "\x1b[2J",
                                                  std::string(2000, '9'),
                                                  std::string(70000, '1')};
  std::string& line = lines[below(lines.size())];
  switch (random.integer(0, 7)) {
    case 0: line.insert(below(line.size() + 1), 1, static_cast<char>(random.integer(0, 255))); break;
    case 1: line = line.substr(0, line.find('=') + 1) + values[below(values.size())]; break;
    case 2: lines.insert(lines.begin() + static_cast<long>(below(lines.size())), lines[below(lines.size())]); break;
    case 3: std::swap(line, lines[below(lines.size())]); break;
    case 4: lines.erase(lines.begin() + static_cast<long>(below(lines.size()))); break;
    case 5: line = values[below(values.size())] + line; break;
    default: break;
  }
  std::string text = joined(lines);
  for (int64_t bytes = random.integer(0, 3); bytes > 0 && !text.empty(); --bytes) {
    text[below(text.size())] = static_cast<char>(random.integer(0, 255));
  }
  return random.integer(0, 9) == 0 ? text.substr(0, below(text.size())) : text;
}

TEST_F(TuningFileParser, TakesAValidFile) { EXPECT_EQ(sentence_for(joined(valid_lines())), ""); }

TEST_F(TuningFileParser, MutatedFilesGiveValuesOrOneSentence) {
  Random random(15);
  int taken = 0, refused = 0;
  for (int64_t i = 0; i < samples(4000); ++i) {
    const std::string text = mutated(random, valid_lines()), sentence = sentence_for(text);
    ++(sentence.empty() ? taken : refused);
    if (sentence.empty()) continue;
    ASSERT_EQ(sentence.rfind("TERNARY_TUNING: " + path_, 0), 0u) << sentence;
    ASSERT_LT(sentence.size(), 600u) << sentence;
    ASSERT_TRUE(std::all_of(sentence.begin(), sentence.end(), [](char c) { return 0x20 <= c && c < 0x7f; }))
        << sentence;
  }
  EXPECT_GT(taken, samples(4000) / 40) << "comments may hold anything";
  EXPECT_GT(refused, samples(4000) / 4);
}

TEST_F(TuningFileParser, LinesAreShortAndControlCharactersAreInCommentsAlone) {
  std::vector<std::string> lines = valid_lines();
  lines[0] = "# \t\x1b" + std::string(1000, 'x');
  EXPECT_EQ(sentence_for(joined(lines)), "");
  lines[0] = "#" + std::string(1024, 'x');
  EXPECT_EQ(sentence_for(joined(lines)),
            "TERNARY_TUNING: " + path_ + ", line 1: it has 1025 bytes; a line has at most 1024");
  lines = valid_lines();
  lines[6] += "\r";
  EXPECT_EQ(sentence_for(joined(lines)), "TERNARY_TUNING: " + path_ +
                                             ", line 7: it has the control character 13, which is allowed in comments "
                                             "alone");
}

}  // namespace
}  // namespace ternary::test
