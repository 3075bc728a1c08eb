// Sentences stay short and printable, whatever the value is that they repeat.
#include "core/base/failure.h"

#include <gtest/gtest.h>

#include <string>

namespace ternary::test {
namespace {

TEST(Sentences, RepeatShortPrintableTextAsItIs) {
  for (const char* text : {"", "cuda:1", "/home/Zo\xc3\xab/\xe6\x9d\xb1\xe4\xba\xac/\xf0\x9f\x90\xa7.json"}) {
    EXPECT_EQ(quotable(text), text);
  }
}

TEST(Sentences, ReplaceWhatATerminalOrAReaderOfUtf8WouldTrip) {
  EXPECT_EQ(quotable("a\nb\x1b[2J\x7f"), "a?b?[2J?");
  EXPECT_EQ(quotable(std::string("a\0b", 3)), "a?b");
  EXPECT_EQ(quotable("\xc2\x85"), "?") << "a line's end of Latin-1";
  EXPECT_EQ(quotable("\xff\xc3"), "??") << "no UTF-8, and a character that is cut";
  EXPECT_EQ(quotable("\xc0\xaf\xed\xa0\x80"), "?????") << "longer than need be, and half a surrogate pair";
}

TEST(Sentences, AreCutBetweenCharacters) {
  EXPECT_EQ(quotable(std::string(256, 'x')), std::string(256, 'x'));
  EXPECT_EQ(quotable(std::string(1 << 20, 'x')), std::string(256, 'x') + "...");
  EXPECT_EQ(quotable(std::string(255, 'x') + "\xc3\xab"), std::string(255, 'x') + "...");
  for (int shift = 0; shift < 3; ++shift) {
    std::string text(static_cast<size_t>(shift), 'x');
    while (text.size() < 3000) text += "\xe6\x9d\xb1";
    EXPECT_EQ(guarded([&] { fail(TERNARY_UNSUPPORTED, "%s", text.c_str()); }), TERNARY_UNSUPPORTED);
    const std::string sentence = ternary_last_error();
    EXPECT_EQ(sentence, text.substr(0, sentence.size()));
    EXPECT_EQ(sentence.size() % 3, static_cast<size_t>(shift)) << "a whole number of characters";
    EXPECT_GT(sentence.size(), 1000u);
  }
}

}  // namespace
}  // namespace ternary::test
