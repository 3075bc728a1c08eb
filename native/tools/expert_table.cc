#include "expert_table.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <vector>

#include "core/cost/cost.h"
#include "core/cost/experts.h"
#include "text_format.h"

namespace ternary {
namespace {

struct Model {
  const char* name;
  int64_t E, T, H, I;
};
constexpr Model kModels[] = {{"Qwen3-30B-A3B", 128, 8, 2048, 768}, {"Maple", 256, 8, 2048, 512}};
constexpr int64_t kRows[] = {1, 4, 16, 64, 256};

/** Slots of each expert where the r-th has a share in proportion to 1 / r, and no more than a slot a row. */
std::vector<SlotGroup> skewed_slots(int64_t M, const Model& model) {
  double all = 0;
  for (int64_t r = 1; r <= model.E; ++r) all += 1.0 / static_cast<double>(r);
  std::vector<SlotGroup> groups;
  int64_t left = M * model.T;
  for (int64_t r = 1; r <= model.E; ++r) {
    const double share = static_cast<double>(M * model.T) / static_cast<double>(r) / all;
    const int64_t slots = std::min({M, left, static_cast<int64_t>(share + 0.999)});
    left -= slots;
    groups.push_back({1, slots});
  }
  for (SlotGroup& group : groups) {  // what rounding and full experts have left
    const int64_t more = std::min(left, M - group.slots);
    group.slots += more;
    left -= more;
  }
  return groups;
}

/** The same products as calls of layers, one after the other. */
double separate_us(const CudaCost& cost, const Model& model, const ExpertSlots& slots) {
  double us = 0;
  for (const SlotGroup& group : slots) {
    if (group.slots == 0 || group.experts == 0) continue;
    const auto of = [&](int64_t N, int64_t K) {
      const auto best = cost.best(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, group.slots, N, K);
      return best ? best->estimate.us : 0.0;
    };
    us += static_cast<double>(group.experts) * (of(2 * model.I, model.H) + of(model.H, model.I));
  }
  return us;
}

std::string routed_rows(const CudaCost& cost, const ExpertCost& experts, const Model& model, bool skewed) {
  const char* routing = skewed ? "skewed" : "even";
  std::string layer = format("%-16s%-12s", model.name, routing), apart = format("%-28s", "   separate calls"),
              target = format("%-28s", "   launches, latencies, bytes");
  for (const int64_t M : kRows) {
    const EvenSlots even(M * model.T, model.E);
    const std::vector<SlotGroup> groups = skewed ? skewed_slots(M, model) : std::vector<SlotGroup>();
    const ExpertSlots slots = skewed ? ExpertSlots{groups.data(), static_cast<int>(groups.size())} : even.spread();
    const ExpertLayerCost c = experts.layer(CudaLayout::i2s, {M, model.T, model.H, model.I}, slots);
    if (c.gate_up == nullptr) return "";
    layer += format("%8.1f%c%c", c.us, c.gate_up->row->finishes ? 'f' : 'm', c.down->row->finishes ? 'f' : 'm');
    apart += format("%10.1f", separate_us(cost, model, slots));
    target += format("%10.1f", c.launch_us + 2 * cost.device().latency_us + c.byte_us / 0.85);
  }
  return layer + "\n" + apart + "\n" + target + "\n";
}

/** Both products at M = 64, over the layer's that has the rows of W of all experts and an expert's rows of X. */
std::string ratio_of(const CudaCost& cost, const ExpertCost& experts, const Model& model) {
  constexpr int64_t kM = 64;
  const int64_t slots = kM * model.T, rows = ceil_div(slots, model.E);
  const auto as_layer = [&](int64_t N, int64_t K) {
    const auto best = cost.best(TERNARY_LAYOUT_I2S_TILED, TERNARY_A8, rows, N * model.E, K);
    return best ? best->estimate.us - best->estimate.launch_us - best->estimate.rows_us : 0.0;
  };
  const EvenSlots even(slots, model.E);
  const ExpertLayerCost c = experts.layer(CudaLayout::i2s, {kM, model.T, model.H, model.I}, even.spread());
  const double layers = as_layer(2 * model.I, model.H) + as_layer(model.H, model.I);
  return format("%-28s%.2f\n", "   M 64, over one layer", (c.product_us + 2 * cost.device().latency_us) / layers);
}

}  // namespace

std::string expert_tables() {
  std::string text = "```\n";
  for (const CostDevice& device : kCostDevices) {
    const CudaCost cost(device.name);
    const ExpertCost experts(device, device.major >= 9, kCommittedFigures);
    text += format("%-28s", device.name);
    for (const int64_t M : kRows) text += format("%10" PRId64, M);
    text += "\n";
    for (const Model& model : kModels) {
      text += routed_rows(cost, experts, model, false) + routed_rows(cost, experts, model, true) +
              ratio_of(cost, experts, model);
    }
    text += "\n";
  }
  return text + "```\n";
}

}  // namespace ternary
