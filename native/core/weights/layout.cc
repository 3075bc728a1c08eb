#include "core/weights/layout.h"

#include <algorithm>
#include <cinttypes>
#include <vector>

#include "core/base/argument.h"
#include "core/base/failure.h"

namespace ternary {

void check_shape(int64_t N, int64_t K) {
  if (N < 1 || N > kMaxN) fail(TERNARY_INVALID_ARGUMENT, "N is %" PRId64 "; it must be 1 to %" PRId64, N, kMaxN);
  if (K < 1 || K > kMaxK) fail(TERNARY_INVALID_ARGUMENT, "K is %" PRId64 "; it must be 1 to %" PRId64, K, kMaxK);
}

void check_layout(ternary_layout layout) {
  const char* words[kLayoutCount];
  for (int i = 0; i < kLayoutCount; ++i) words[i] = kLayoutTraits[i].words;
  check_choice("layout", layout, words);
}

void fail_at_code_3(const uint8_t* codes, ternary_layout layout, int64_t N, int64_t K, int64_t first) {
  for (int64_t n = first; n < N; ++n) {
    for (int64_t k = 0; k < K; ++k) {
      if (code_at(codes, layout, K, n, k) == 3) {
        fail(TERNARY_INVALID_ARGUMENT,
             "the code at row %" PRId64 ", column %" PRId64 " is 3; codes are 0, 1 and 2 for weights -1, 0 and +1", n,
             k);
      }
    }
  }
}

void unpack_rows(const uint8_t* codes, ternary_layout layout, int64_t first, int64_t rows, int64_t K, uint8_t* i2s) {
  const int64_t panel_rows = traits(layout).rows, end = first + rows;
  for (int64_t n = first; n < end;) {
    const int64_t skipped = n % panel_rows, count = std::min(panel_rows - skipped, end - n);
    codec(layout).unpack(codes + n / panel_rows * panel_bytes(layout, K), skipped, count, K,
                         i2s + (n - first) * ceil_div(K, 4));
    n += count;
  }
}

void convert_codes(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K, uint8_t* target,
                   ternary_layout target_layout) {
  if (target_layout == TERNARY_LAYOUT_I2S) return unpack_rows(source, source_layout, 0, N, K, target);
  // Tiles to tiles, also of one layout, go through I2S, which sets the padding.
  const int64_t row_bytes = ceil_div(K, 4), panel_rows = traits(target_layout).rows;
  const bool from_i2s = source_layout == TERNARY_LAYOUT_I2S;
  std::vector<uint8_t> staging(from_i2s ? 0 : panel_rows * row_bytes);
  for (int64_t n = 0; n < N; n += panel_rows) {
    const int64_t rows = std::min(panel_rows, N - n);
    if (!from_i2s) unpack_rows(source, source_layout, n, rows, K, staging.data());
    const uint8_t* i2s = from_i2s ? source + n * row_bytes : staging.data();
    codec(target_layout).pack(i2s, rows, K, target + n / panel_rows * panel_bytes(target_layout, K));
  }
}

}  // namespace ternary

using namespace ternary;

ternary_status ternary_layout_bytes(ternary_layout layout, int64_t N, int64_t K, int64_t* bytes) {
  return guarded([&] {
    check_pointer("bytes", bytes, alignof(int64_t));
    check_layout(layout);
    check_shape(N, K);
    *bytes = layout_bytes(layout, N, K);
  });
}

ternary_status ternary_pack(const int8_t* w, int64_t ldw, int64_t N, int64_t K, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("w", w, 1);
    check_pointer("i2s", i2s, 1);
    check_shape(N, K);
    check_stride("ldw", ldw, K, N, 1);
    check_no_overlap("i2s", i2s, layout_bytes(TERNARY_LAYOUT_I2S, N, K), "w", w, (N - 1) * ldw + K);
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        const int value = w[n * ldw + k];
        if (value < -1 || value > 1) {
          fail(TERNARY_INVALID_ARGUMENT,
               "the weight at row %" PRId64 ", column %" PRId64 " is %d; it must be -1, 0 or 1", n, k, value);
        }
      }
    }
    write_i2s(N, K, i2s, [&](int64_t n, int64_t k) { return w[n * ldw + k] + 1; });
  });
}

ternary_status ternary_unpack(const uint8_t* i2s, int64_t N, int64_t K, int8_t* w, int64_t ldw) {
  return guarded([&] {
    check_pointer("i2s", i2s, 1);
    check_pointer("w", w, 1);
    check_shape(N, K);
    check_stride("ldw", ldw, K, N, 1);
    const int64_t row_bytes = ceil_div(K, 4);
    check_no_overlap("w", w, (N - 1) * ldw + K, "i2s", i2s, N * row_bytes);
    codec(TERNARY_LAYOUT_I2S).check(i2s, N, K);
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        w[n * ldw + k] = static_cast<int8_t>((i2s[n * row_bytes + k / 4] >> (2 * (k % 4)) & 3) - 1);
      }
    }
  });
}

ternary_status ternary_repack(const uint8_t* source, ternary_layout source_layout, int64_t N, int64_t K,
                              uint8_t* target, ternary_layout target_layout) {
  return guarded([&] {
    check_pointer("source", source, 1);
    check_pointer("target", target, 1);
    check_layout(source_layout);
    check_layout(target_layout);
    check_shape(N, K);
    check_no_overlap("target", target, layout_bytes(target_layout, N, K), "source", source,
                     layout_bytes(source_layout, N, K));
    codec(source_layout).check(source, N, K);
    convert_codes(source, source_layout, N, K, target, target_layout);
  });
}

ternary_status ternary_pack_bitnet(const uint8_t* packed, int64_t N, int64_t K, uint8_t* i2s) {
  return guarded([&] {
    check_pointer("packed", packed, 1);
    check_pointer("i2s", i2s, 1);
    check_shape(N, K);
    const int64_t packed_rows = ceil_div(N, 4);
    check_no_overlap("i2s", i2s, layout_bytes(TERNARY_LAYOUT_I2S, N, K), "packed", packed, packed_rows * K);
    const auto code = [&](int64_t n, int64_t k) {
      return packed[n % packed_rows * K + k] >> (2 * (n / packed_rows)) & 3;
    };
    for (int64_t n = 0; n < N; ++n) {
      for (int64_t k = 0; k < K; ++k) {
        if (code(n, k) == 3) {
          fail(TERNARY_INVALID_ARGUMENT,
               "the code of row %" PRId64 ", column %" PRId64 " is 3; codes are 0, 1 and 2 for weights -1, 0 and +1", n,
               k);
        }
      }
    }
    write_i2s(N, K, i2s, code);
  });
}
