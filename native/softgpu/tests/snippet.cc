#include "softgpu/tests/snippet.h"

#include <gtest/gtest.h>

#include <cstring>

namespace ternary::softgpu {

bool TestMemory::resolve(uint64_t address, uint64_t bytes, Access, const Accessor&, Range* range,
                         std::string* problem) {
  for (const auto& buffer : buffers_) {
    if (address < buffer->begin || address + bytes > buffer->end) continue;
    *range = Range{};
    range->begin = buffer->begin;
    range->end = buffer->end;
    range->writable = true;
    return true;
  }
  *problem = "address " + std::to_string(address) + " is in no buffer of the test";
  return false;
}

uint64_t TestMemory::allocate(uint64_t bytes) {
  auto buffer = std::make_unique<Buffer>();
  buffer->storage.resize(bytes + 256);
  buffer->begin = (reinterpret_cast<uint64_t>(buffer->storage.data()) + 255) & ~uint64_t{255};
  buffer->end = buffer->begin + bytes;
  buffers_.push_back(std::move(buffer));
  return buffers_.back()->begin;
}

uint64_t TestMemory::allocate_variables(uint64_t bytes, const std::string&) { return allocate(bytes); }
void TestMemory::free_variables(uint64_t) {}

std::string ptx_of(const Snippet& snippet) {
  const std::string arch = std::to_string(snippet.arch) + (snippet.arch == 90 || snippet.specific ? "a"
                                                           : snippet.arch >= 100                  ? "f"
                                                                                                  : "");
  std::string text = ".version 9.1\n.target sm_" + arch + "\n.address_size 64\n";
  text +=
      ".visible .entry snippet(.param .u64 in, .param .u64 out, .param .u64 data)\n{\n"
      ".reg .b32 %i<32>; .reg .b32 %o<32>; .reg .b32 %r<16>; .reg .b64 %l<16>; .reg .f32 %f<8>; .reg .b16 %h<8>;\n"
      ".reg .pred %p<8>; .reg .b32 %tid, %threads, %stride; .reg .b64 %in, %out, %data, %wide;\n"
      ".shared .align 1024 .b8 mem[" +
      std::to_string(snippet.shared_bytes) +
      "];\n"
      "ld.param.u64 %in, [in];\nld.param.u64 %out, [out];\nld.param.u64 %data, [data];\n"
      "mov.u32 %tid, %ctaid.x;\nmov.u32 %threads, %ntid.x;\nmov.u32 %stride, %tid.x;\n"
      "mad.lo.u32 %tid, %tid, %threads, %stride;\nmul.wide.u32 %wide, %tid, 4;\n"
      "add.s64 %in, %in, %wide;\nadd.s64 %out, %out, %wide;\n";
  const uint64_t threads = snippet.grid.count() * snippet.block.count();
  for (size_t i = 0; i < snippet.inputs.size(); ++i) {
    text += "ld.global.b32 %i" + std::to_string(i) + ", [%in+" + std::to_string(4 * threads * i) + "];\n";
  }
  text += snippet.body + "\n";
  for (int i = 0; i < snippet.outputs; ++i) {
    text += "st.global.b32 [%out+" + std::to_string(4 * threads * static_cast<uint64_t>(i)) + "], %o" +
            std::to_string(i) + ";\n";
  }
  return text + "ret;\n}\n";
}

Outcome run(Snippet* snippet) {
  TestMemory memory;
  const size_t threads = snippet->grid.count() * snippet->block.count();
  const uint64_t in = memory.allocate(4 * threads * snippet->inputs.size() + 4);
  const uint64_t out = memory.allocate(4 * threads * static_cast<size_t>(snippet->outputs) + 4);
  const uint64_t data = memory.allocate(snippet->data.size());
  for (size_t i = 0; i < snippet->inputs.size(); ++i) {
    std::memcpy(reinterpret_cast<uint8_t*>(in) + 4 * threads * i, snippet->inputs[i].data(), 4 * threads);
  }
  if (snippet->prepare) snippet->prepare(data, &snippet->data);
  std::memcpy(reinterpret_cast<void*>(data), snippet->data.data(), snippet->data.size());

  Rules rules;
  rules.exact_arithmetic = snippet->exact_arithmetic;
  Image image(ptx_of(*snippet), memory, rules);
  LaunchConfig config;
  config.code = &image.kernel("snippet");
  config.grid = snippet->grid, config.block = snippet->block, config.cluster = snippet->cluster;
  config.seed = snippet->seed;
  config.schedule = snippet->schedule;
  config.sm_count = snippet->sm_count;
  config.step_limit = 1 << 24;
  const uint64_t params[3] = {in, out, data};
  config.params.resize(sizeof params);
  std::memcpy(config.params.data(), params, sizeof params);

  Outcome outcome;
  Grid grid(config, memory);
  const GridState state = grid.run(true);
  if (state == GridState::faulted) outcome.fault = grid.fault();
  if (state == GridState::finished) outcome.counters = grid.counters();
  outcome.outputs.assign(static_cast<size_t>(snippet->outputs), std::vector<uint32_t>(threads));
  for (size_t i = 0; i < outcome.outputs.size(); ++i) {
    std::memcpy(outcome.outputs[i].data(), reinterpret_cast<uint8_t*>(out) + 4 * threads * i, 4 * threads);
  }
  std::memcpy(snippet->data.data(), reinterpret_cast<void*>(data), snippet->data.size());
  return outcome;
}

Registers run_lines(const std::string& body, const Registers& inputs, int outputs, int arch) {
  Snippet snippet;
  snippet.body = body;
  snippet.inputs = inputs;
  snippet.outputs = outputs;
  snippet.arch = arch;
  const Outcome outcome = run(&snippet);
  EXPECT_EQ(outcome.fault.kind, FaultKind::none) << outcome.fault.sentence;
  return outcome.outputs;
}

std::vector<uint32_t> lanes_of(const std::function<uint32_t(int lane)>& value) {
  std::vector<uint32_t> lanes(32);
  for (int lane = 0; lane < 32; ++lane) lanes[static_cast<size_t>(lane)] = value(lane);
  return lanes;
}

}  // namespace ternary::softgpu
