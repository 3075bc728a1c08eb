/**
 * @file expert_matrices.h
 * @brief Random matrices of several experts with their alphas, as weights of all and as layers of one.
 */
#ifndef TERNARY_TESTS_ORACLE_EXPERT_MATRICES_H_
#define TERNARY_TESTS_ORACLE_EXPERT_MATRICES_H_

#include <gtest/gtest.h>

#include <vector>

#include "support/handles.h"
#include "support/operands.h"
#include "support/random.h"

namespace ternary::test {

struct ExpertMatrices {
  /** `parts`: 2 for alphas a column of gate and up by themselves. */
  ExpertMatrices(Random& random, int64_t experts, int64_t rows, int64_t columns, ternary_alpha_kind alpha_kind,
                 int64_t alpha_group, int alpha_parts)
      : E(experts), N(rows), K(columns), kind(alpha_kind), group(alpha_group), parts(alpha_parts) {
    for (int64_t e = 0; e < E; ++e) {
      std::vector<int8_t> w(N * K);
      for (int8_t& weight : w) weight = static_cast<int8_t>(random.integer(-1, 1));
      codes.emplace_back(N * ((K + 3) / 4));
      EXPECT_EQ(ternary_pack(w.data(), K, N, K, codes.back().data()), TERNARY_OK);
    }
    alpha.resize(E * parts * alphas());
    for (float& value : alpha) value = random.positive();
  }

  /** Alphas of an expert, or of a part of it. */
  int64_t alphas() const {
    switch (kind) {
      case TERNARY_ALPHA_TENSOR: return 1;
      case TERNARY_ALPHA_ROW: return N;
      case TERNARY_ALPHA_COLUMN: return K;
      default: return N * ((K + group - 1) / group);
    }
  }

  WeightsHandle all(ternary_layout layout) const {
    std::vector<const uint8_t*> matrices;
    for (const auto& matrix : codes) matrices.push_back(matrix.data());
    ternary_weights* made = nullptr;
    EXPECT_EQ(ternary_weights_create_experts(matrices.data(), TERNARY_LAYOUT_I2S, E, N, K, layout, kind, alpha.data(),
                                             static_cast<int64_t>(alpha.size()), group, &made),
              TERNARY_OK)
        << ternary_last_error();
    return WeightsHandle(made);
  }

  /** A layer of expert e with the alphas of a part, made as those of one matrix are. */
  LayerHandle one(int64_t e, int part, ternary_layer_spec spec) const {
    ternary_weights* made = nullptr;
    EXPECT_EQ(ternary_weights_create(codes[e].data(), TERNARY_LAYOUT_I2S, N, K, TERNARY_LAYOUT_I2S, kind,
                                     alpha.data() + (e * parts + part) * alphas(), alphas(), group, &made),
              TERNARY_OK)
        << ternary_last_error();
    const WeightsHandle weights(made);
    spec.weights = made;
    return make_layer(spec);
  }

  const int64_t E, N, K;
  const ternary_alpha_kind kind;
  const int64_t group;
  const int parts;
  std::vector<std::vector<uint8_t>> codes;
  std::vector<float> alpha;
};

/** Y of one fp32 row by the oracle of linear layers. */
inline std::vector<float> product_of_row(const ternary_layer* layer, const std::vector<float>& x, int64_t N) {
  std::vector<float> y(N);
  const auto K = static_cast<int64_t>(x.size());
  const ternary_operands o = product_of(x.data(), TERNARY_F32, K, y.data(), TERNARY_F32, N, 1);
  EXPECT_EQ(ternary_oracle_apply(layer, &o), TERNARY_OK) << ternary_last_error();
  return y;
}

}  // namespace ternary::test

#endif  // TERNARY_TESTS_ORACLE_EXPERT_MATRICES_H_
