// clusterlaunchcontrol: a cluster asks for the work of another that has not begun.
#include <cstring>

#include "softgpu/blackwell/engine.h"
#include "softgpu/code/opcode.h"

namespace ternary::softgpu {
namespace {

using ptx::Space;
using ptx::Type;

/** The 16 bytes that NVIDIA calls opaque. */
struct Response {
  uint32_t canceled;
  uint32_t first_cta[3];
};
static_assert(sizeof(Response) == 16);

Response ask(LaunchContext& launch) {
  Response response = {};
  uint32_t number;
  if (!launch.cancel_cluster || !launch.cancel_cluster(&number)) return response;
  const LaunchConfig& config = launch.config;
  const uint32_t x = config.grid.x / config.cluster.x, y = config.grid.y / config.cluster.y;
  response.canceled = 1;
  response.first_cta[0] = number % x * config.cluster.x;
  response.first_cta[1] = number / x % y * config.cluster.y;
  response.first_cta[2] = number / x / y * config.cluster.z;
  return response;
}

/** Addresses: response, mbarrier. a: into all CTAs of the cluster. */
Step execute_try_cancel(Warp& warp, const Instruction& instruction, uint32_t mask) {
  uint64_t to[kWarpLanes], barriers[kWarpLanes];
  warp.addresses(instruction, instruction.address[0], to);
  warp.addresses(instruction, instruction.address[1], barriers);
  for (uint32_t rest = mask; rest; rest &= rest - 1) {
    const int lane = __builtin_ctz(rest);
    const Place place = warp.place(instruction.address[0].space, to[lane], lane);
    const Place barrier = find_mbarrier(warp, instruction.address[1].space, barriers[lane], lane);
    if (place.space != Space::shared || place.cta != &warp.cta() || barrier.cta != &warp.cta()) {
      throw Fault(FaultKind::address, "try_cancel is of shared memory of its own CTA", lane);
    }
    if (place.address % sizeof(Response) != 0) throw Fault(FaultKind::misaligned, "a response is 16 bytes", lane);
    const Issue issue = issue_to(EngineWork::Engine::copy, warp);
    std::vector<Cta*> ctas = {&warp.cta()};
    if (instruction.a) {
      ctas.clear();
      for (const auto& cta : warp.cta().cluster->ctas) ctas.push_back(cta.get());
    }
    for (Cta* cta : ctas) begin_write(warp, issue, *cta, place.address, sizeof(Response), lane);
    enqueue(issue, ctas, [issue, ctas, at = place.address, barrier = barrier.address] {
      const Response response = ask(*issue.by->launch);
      for (Cta* cta : ctas) {
        std::memcpy(cta->shared.end_engine_write(issue.engine, issue.epoch, at, sizeof response, issue.line), &response,
                    sizeof response);
        complete(issue, *cta, barrier, sizeof response);
      }
    });
  }
  return Step::next;
}

void decode_try_cancel(Decoder& decoder, Instruction& instruction) {
  decoder.need(decoder.arch() >= 100, "clusterlaunchcontrol needs sm_100");
  decoder.need_one_of({"async"});
  const Space space = decoder.take("shared::cta") ? Space::shared : Space::none;
  decoder.need_one_of({"mbarrier::complete_tx::bytes"});
  instruction.a = decoder.take("multicast::cluster::all");
  decoder.need_one_of({"b128"});
  decoder.need_operands(2, 2);
  decoder.read_address(0, space);
  decoder.read_address(1, space);
  decoder.code().cancels_launches = true;
  instruction.execute = execute_try_cancel;
}

Response response_of(Warp& warp, Slot slot, int lane) {
  const uint64_t halves[2] = {warp.lanes<uint64_t>(slot)[lane], warp.lanes<uint64_t>(slot)[kWarpLanes + lane]};
  Response response;
  std::memcpy(&response, halves, sizeof response);
  return response;
}

/** Operands: predicate, response. */
void decode_is_canceled(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"pred"});
  decoder.need_one_of({"b128"});
  decoder.need_operands(2, 2);
  decoder.write(0, Type::pred);
  decoder.read(1, Type::b128);
  instruction.execute = [](Warp& warp, const Instruction& query, uint32_t mask) {
    uint32_t canceled = 0;
    for (int lane = 0; lane < kWarpLanes; ++lane) {
      canceled |= (response_of(warp, query.op[1], lane).canceled & 1) << lane;
    }
    warp.set_predicate(query.op[0], mask, canceled);
    return Step::next;
  };
}

/** Operands: response, x, y, z, and a fourth that gets anything. */
void decode_first_cta(Decoder& decoder, Instruction& instruction) {
  decoder.need_one_of({"v4"});
  decoder.need_one_of({"b32"});
  decoder.need_one_of({"b128"});
  decoder.need_operands(2, 2);
  decoder.read(1, Type::b128);
  decoder.write_vector(0, Type::b32, 4);
  instruction.execute = [](Warp& warp, const Instruction& query, uint32_t mask) {
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
      const int lane = __builtin_ctz(rest);
      const Response response = response_of(warp, query.op[0], lane);
      if (!response.canceled) throw Fault(FaultKind::illegal, "get_first_ctaid of a request that failed", lane);
      for (int i = 0; i < 3; ++i) warp.lanes<uint32_t>(query.op[1 + i])[lane] = response.first_cta[i];
    }
    return Step::next;
  };
}

constexpr OpcodeRow kRows[] = {{"clusterlaunchcontrol.try_cancel", decode_try_cancel},
                               {"clusterlaunchcontrol.query_cancel.is_canceled", decode_is_canceled},
                               {"clusterlaunchcontrol.query_cancel.get_first_ctaid", decode_first_cta}};

}  // namespace

Family launch_control_opcodes() { return family_of(kRows); }

}  // namespace ternary::softgpu
