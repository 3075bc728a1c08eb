/** A weight matrix from the codes and scales of a caller. */
#include <memory>

#include "core/base/argument.h"
#include "core/base/failure.h"
#include "core/weights/alpha.h"
#include "core/weights/layout.h"

using namespace ternary;

ternary_status ternary_weights_create(const uint8_t* codes, ternary_layout source_layout, int64_t N, int64_t K,
                                      ternary_layout layout, ternary_alpha_kind kind, const float* alpha,
                                      int64_t alpha_count, int64_t group, ternary_weights** weights) {
  return guarded([&] {
    check_pointer("weights", weights, alignof(ternary_weights*));
    check_pointer("codes", codes, 1);
    check_layout(source_layout);
    check_layout(layout);
    check_shape(N, K);
    check_alpha({1, N, K, kind, group}, alpha, alpha_count, false);
    codec(source_layout).check(codes, N, K);
    auto made = std::make_unique<ternary_weights>(N, K, layout, group);
    convert_codes(codes, source_layout, N, K, made->codes.get(), layout);
    keep_alpha(*made, kind, alpha, alpha_count);
    *weights = made.release();
  });
}
