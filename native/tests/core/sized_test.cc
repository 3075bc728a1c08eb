// Structs that begin with their size: older and newer callers', and sizes that no struct has.
#include "core/base/sized.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "core/base/failure.h"
#include "support/guarded_buffer.h"

namespace ternary::test {
namespace {

/** As the library knows it. The first version ended behind `first`, the second behind `third`. */
struct Grown {
  size_t size;
  int64_t first;
  int32_t second;
  float third;
  const void* fourth;
};
constexpr size_t kFirst = 16, kSecond = 24;
static_assert(sizeof(Grown) == 32, "no padding, so that each byte is a field's");

/** A caller's struct of `size` bytes, each after the size 0x11 or, beyond what is known, 0; a guard behind its last. */
GuardedBuffer struct_of(size_t size) {
  GuardedBuffer buffer(static_cast<int64_t>(size));
  std::memset(buffer.data(), 0, size);
  std::memset(buffer.data(), 0x11, std::min(size, sizeof(Grown)));
  std::memcpy(buffer.data(), &size, sizeof size);
  return buffer;
}

const Grown& read(const GuardedBuffer& given, Grown& room) { return sized("grown", given.as<Grown>(), room, kFirst); }

/** The sentence that refuses it. */
std::string refusal(const Grown* given) {
  Grown room;
  try {
    sized("grown", given, room, kFirst);
    return "";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.status(), TERNARY_INVALID_ARGUMENT);
    return failure.what();
  }
}

TEST(Sized, TheKnownStructIsTakenAsItIs) {
  const GuardedBuffer given = struct_of(sizeof(Grown));
  Grown room;
  EXPECT_EQ(&read(given, room), given.as<Grown>());
}

TEST(Sized, WhatAnOlderStructLacksIsZeroAndWhatLiesBehindItIsNotRead) {
  for (const size_t size : {kFirst, kSecond}) {
    const GuardedBuffer given = struct_of(size);
    Grown room;
    std::memset(static_cast<void*>(&room), 0x77, sizeof room);
    const Grown& known = read(given, room);
    ASSERT_EQ(&known, &room);
    EXPECT_EQ(known.size, size);
    EXPECT_EQ(known.first, 0x1111111111111111);
    EXPECT_EQ(known.second, size >= kSecond ? 0x11111111 : 0);
    EXPECT_EQ(known.third != 0, size >= kSecond);
    EXPECT_EQ(known.fourth, nullptr);
  }
}

TEST(Sized, ANewerStructIsTakenWhereWhatLiesBeyondIsZero) {
  for (const size_t size : {size_t{40}, size_t{4096}}) {
    const GuardedBuffer given = struct_of(size);
    Grown room;
    const Grown& known = read(given, room);
    EXPECT_EQ(known.first, 0x1111111111111111);
    EXPECT_NE(known.fourth, nullptr);
    for (const size_t at : {size_t{32}, size - 1}) {
      given.data()[at] = 9;
      EXPECT_EQ(refusal(given.as<Grown>()), "grown has size " + std::to_string(size) + " and its byte " +
                                                std::to_string(at) +
                                                " is 9; this library knows 32 bytes, and what lies beyond must be 0");
      given.data()[at] = 0;
    }
  }
}

TEST(Sized, SizesThatNoStructHasAreRefusedBeforeAnythingIsRead) {
  for (const size_t size : {size_t{0}, size_t{1}, kFirst - 1, size_t{20}, size_t{31}, size_t{33}, size_t{4097},
                            size_t{1} << 40, SIZE_MAX}) {
    const GuardedBuffer given = struct_of(sizeof size);
    std::memcpy(given.data(), &size, sizeof size);
    EXPECT_EQ(refusal(given.as<Grown>()),
              "grown has size " + std::to_string(size) + "; it must be the struct's sizeof, here 32");
  }
}

TEST(Sized, NullAndMisalignedAreRefused) {
  EXPECT_EQ(refusal(nullptr), "grown is null");
  const GuardedBuffer given = struct_of(sizeof(Grown));
  EXPECT_EQ(refusal(reinterpret_cast<const Grown*>(given.data() - 4)).rfind("grown is at address ", 0), 0u);
}

}  // namespace
}  // namespace ternary::test
