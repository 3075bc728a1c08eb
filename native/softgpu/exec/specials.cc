#include "softgpu/exec/specials.h"

#include <cstring>

namespace ternary::softgpu {
namespace {

/** What the values are made from. */
struct Here {
  const Warp& warp;
  const Cta& cta;
  const LaunchConfig& config;
  uint32_t thread;  ///< of lane 0
};

uint32_t lanes_below(int lane) { return (1u << lane) - 1; }
Dim3 clusters_of(const Here& here) {
  const LaunchConfig& config = here.config;
  return {config.grid.x / config.cluster.x, config.grid.y / config.cluster.y, config.grid.z / config.cluster.z};
}
uint64_t linear_cta(const Here& here) {
  const Dim3& grid = here.config.grid;
  return here.cta.index.x + uint64_t{grid.x} * (here.cta.index.y + uint64_t{grid.y} * here.cta.index.z);
}

struct SpecialRow {
  const char* name;
  int bits;
  uint64_t (*value)(const Here& here, int lane);
};
#define VALUE [](const Here& here, int lane) -> uint64_t
#define XYZ(NAME, X, Y, Z)            \
  {NAME ".x", 32, VALUE{(void)here;   \
  (void)lane;                         \
  return X;                           \
  }                                   \
  }                                   \
  , {NAME ".y", 32, VALUE{(void)here; \
  (void)lane;                         \
  return Y;                           \
  }                                   \
  }                                   \
  , {                                 \
    NAME ".z", 32, VALUE {            \
      (void)here;                     \
      (void)lane;                     \
      return Z;                       \
    }                                 \
  }
#define DIM3(NAME, D) XYZ(NAME, (D).x, (D).y, (D).z)
#define ONE(NAME, BITS, V)       \
  {NAME, BITS, VALUE{(void)here; \
  (void)lane;                    \
  return V;                      \
  }                              \
  }
const SpecialRow kSpecials[] = {
    XYZ("%tid", (here.thread + lane) % here.config.block.x,
        (here.thread + lane) / here.config.block.x % here.config.block.y,
        (here.thread + lane) / here.config.block.x / here.config.block.y),
    DIM3("%ntid", here.config.block),
    DIM3("%ctaid", here.cta.index),
    DIM3("%nctaid", here.config.grid),
    DIM3("%cluster_ctaid", here.cta.index_in_cluster),
    DIM3("%cluster_nctaid", here.config.cluster),
    XYZ("%clusterid", here.cta.index.x / here.config.cluster.x, here.cta.index.y / here.config.cluster.y,
        here.cta.index.z / here.config.cluster.z),
    DIM3("%nclusterid", clusters_of(here)),
    ONE("%cluster_ctarank", 32, here.cta.rank),
    ONE("%cluster_nctarank", 32, here.config.cluster.count()),
    ONE("%is_explicit_cluster", 1, here.config.cluster.count() > 1),
    ONE("%laneid", 32, static_cast<uint64_t>(lane)),
    ONE("%warpid", 32, static_cast<uint64_t>(here.warp.index())),
    ONE("%nwarpid", 32, here.cta.warps.size()),
    ONE("%lanemask_eq", 32, 1u << lane),
    ONE("%lanemask_lt", 32, lanes_below(lane)),
    ONE("%lanemask_le", 32, lanes_below(lane) | 1u << lane),
    ONE("%lanemask_gt", 32, ~(lanes_below(lane) | 1u << lane)),
    ONE("%lanemask_ge", 32, ~lanes_below(lane)),
    ONE("%smid", 32, linear_cta(here) % here.config.sm_count),
    ONE("%nsmid", 32, here.config.sm_count),
    ONE("%gridid", 64, here.config.launch),
    ONE("%dynamic_smem_size", 32, here.config.dynamic_shared_bytes),
    ONE("%total_smem_size", 32, here.config.dynamic_shared_bytes + here.warp.code().static_shared_bytes),
    ONE("%aggr_smem_size", 32, here.config.dynamic_shared_bytes + here.warp.code().static_shared_bytes),
};
#undef ONE
#undef DIM3
#undef XYZ
#undef VALUE

const SpecialRow* find(const std::string& name) {
  for (const SpecialRow& row : kSpecials) {
    if (name == row.name) return &row;
  }
  return nullptr;
}

void fill_shared_address(Warp& warp, const SpecialSlot& special) {
  const uint32_t address = (warp.cta().rank << kClusterRankShift) + special.offset;
  for (int lane = 0; lane < kWarpLanes; ++lane) {
    if (special.slot.bits == 64) {
      warp.lanes<uint64_t>(special.slot)[lane] = address;
    } else {
      warp.lanes<uint32_t>(special.slot)[lane] = address;
    }
  }
}

}  // namespace

int special_bits(const std::string& name) {
  const SpecialRow* row = find(name);
  return row ? row->bits : 0;
}

void fill_specials(Warp& warp) {
  const Here here{warp, warp.cta(), warp.cta().launch->config, static_cast<uint32_t>(warp.index() * kWarpLanes)};
  for (const SpecialSlot& special : warp.code().specials) {
    if (special.name.empty()) {
      fill_shared_address(warp, special);
      continue;
    }
    const SpecialRow* row = find(special.name);
    if (row->bits == 1) warp.predicate(special.slot) = row->value(here, 0) ? kAllLanes : 0;
    for (int lane = 0; row->bits != 1 && lane < kWarpLanes; ++lane) {
      uint64_t value = row->value(here, lane);
      if (row->bits == 64) {
        warp.lanes<uint64_t>(special.slot)[lane] = value;
      } else {
        warp.lanes<uint32_t>(special.slot)[lane] = static_cast<uint32_t>(value);
      }
    }
  }
}

}  // namespace ternary::softgpu
