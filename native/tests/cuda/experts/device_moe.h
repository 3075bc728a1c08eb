/**
 * @file device_moe.h
 * @brief A generated layer of experts in a GPU's memory.
 */
#ifndef TERNARY_TESTS_CUDA_EXPERTS_DEVICE_MOE_H_
#define TERNARY_TESTS_CUDA_EXPERTS_DEVICE_MOE_H_

#include <gtest/gtest.h>

#include <vector>

#include "experts/moe_problem.h"
#include "support/cuda/operand_copies.h"

namespace ternary::test {

inline RuntimeHandle gpu_runtime() {
  RuntimeHandle runtime = make_runtime("TERNARY_DEVICE=cuda");
  EXPECT_NE(runtime, nullptr) << ternary_last_error();
  return runtime;
}

/** A call of a layer on the device. */
class DeviceMoe {
 public:
  explicit DeviceMoe(const MoeProblem& problem)
      : moe_(problem.moe()), out_(problem.output()), o_(problem.operands(out_)) {
    const MoeProblemSpec& s = problem.spec();
    copies_.move(o_.x, o_.x_dtype, o_.M, s.H, o_.ldx);
    copies_.move(o_.x_scale, TERNARY_F32, 1, o_.M, 0);
    ids_ = copies_.move(o_.expert_ids, TERNARY_F32, o_.M, o_.T, o_.ld_ids);
    copies_.move(o_.expert_weights, o_.expert_weights_dtype, o_.M, o_.T, o_.ld_weights);
    y_ = copies_.move(o_.y, o_.y_dtype, o_.M, problem.y_columns(), o_.ldy);
    if (s.residual && !s.in_place) copies_.move(o_.residual, o_.residual_dtype, o_.M, s.H, o_.ld_residual);
    residual_out_ = copies_.move(o_.residual_out, o_.residual_dtype, o_.M, s.H, o_.ld_residual);
    if (s.in_place) o_.residual = o_.residual_out;
  }
  ternary_status start(ternary_runtime* runtime, const ternary_cuda_call& call) const {
    ternary_moe_operands o = o_;
    o.call = &call;
    return ternary_apply_moe_async(runtime, moe_, &o);
  }
  int64_t workspace_bytes(ternary_runtime* runtime) const {
    int64_t bytes = 0;
    EXPECT_EQ(ternary_moe_workspace_bytes(runtime, moe_, o_.M, o_.T, &bytes), TERNARY_OK) << ternary_last_error();
    return bytes;
  }
  /** X is the other's Y, ids and weights are the other's. */
  void follow(const DeviceMoe& other) {
    o_.x = other.o_.y;
    o_.ldx = other.o_.ldy;
    o_.expert_ids = other.o_.expert_ids;
    o_.expert_weights = other.o_.expert_weights;
    o_.ld_weights = other.o_.ld_weights;
  }
  const ternary_moe_operands& operands() const { return o_; }
  void set_ids(const std::vector<int32_t>& ids) { copies_.at(ids_).write(ids.data()); }
  const MoeOutput& fetch() const {
    copies_.back(y_);
    if (o_.residual_out != nullptr) copies_.back(residual_out_);
    return out_;
  }

 private:
  const ternary_moe* moe_;
  MoeOutput out_;
  ternary_moe_operands o_;
  OperandCopies copies_;
  size_t ids_, y_, residual_out_;
};

}  // namespace ternary::test

#endif  // TERNARY_TESTS_CUDA_EXPERTS_DEVICE_MOE_H_
