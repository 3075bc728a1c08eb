/**
 * @file snippet.h
 * @brief Runs a few lines of PTX on the interpreter, without a runtime: values of each thread in, values out.
 */
#ifndef TERNARY_SOFTGPU_TESTS_SNIPPET_H_
#define TERNARY_SOFTGPU_TESTS_SNIPPET_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "softgpu/decode/image.h"
#include "softgpu/exec/grid.h"
#include "softgpu/memory/memory.h"

namespace ternary::softgpu {

/** Device memory of a test: buffers that know their bounds. */
class TestMemory : public Memory {
 public:
  bool resolve(uint64_t address, uint64_t bytes, Access access, const Accessor& who, Range* range,
               std::string* problem) override;
  uint64_t allocate_variables(uint64_t bytes, const std::string& what) override;
  void free_variables(uint64_t address) override;

  /** Zeroed, aligned to 256 bytes, the test's until it ends. */
  uint64_t allocate(uint64_t bytes);

 private:
  struct Buffer {
    std::vector<uint8_t> storage;
    uint64_t begin, end;
  };
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

/** 32-bit values by [register][thread]. */
using Registers = std::vector<std::vector<uint32_t>>;

struct Snippet {
  /**
   * The lines. Inputs are %i0, %i1 ..., outputs %o0, %o1 ...; %r<16>, %l<16> (64 bits), %f<8>, %h<8> (16 bits), %p<8>
   * are free for use; %tid is the thread's number in the grid, %out the address of this thread's %o0 in global memory
   * (it is stored after the lines), %data that of `data`; `mem` is shared memory.
   */
  std::string body;
  int outputs = 1;
  int arch = 90;
  bool specific = false;  ///< sm_100a, not sm_100f
  uint32_t shared_bytes = 4096;
  Dim3 grid, block{32, 1, 1}, cluster;
  uint64_t seed = 1;
  uint32_t sm_count = 132;
  Schedule schedule = Schedule::lazy;
  bool exact_arithmetic = false;
  Registers inputs;
  std::vector<uint8_t> data = std::vector<uint8_t>(4096);  ///< what %data points to, before and after
  /// Called before `data` is copied, with the address that %data will have: for tensor maps.
  std::function<void(uint64_t address, std::vector<uint8_t>* data)> prepare;
};

struct Outcome {
  Registers outputs;
  FaultReport fault;  ///< kind none if all went well
  KernelCounters counters;
};

/** Throws ptx::PtxError if the interpreter does not know the instructions. */
Outcome run(Snippet* snippet);
inline Outcome run(Snippet snippet) { return run(&snippet); }

/** The whole PTX module of a snippet. */
std::string ptx_of(const Snippet& snippet);

/** run() of lines for one warp with inputs, one register each; fails the test on a fault. */
Registers run_lines(const std::string& body, const Registers& inputs, int outputs = 1, int arch = 90);

/** A register of 32 threads made by a function of the lane. */
std::vector<uint32_t> lanes_of(const std::function<uint32_t(int lane)>& value);

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_TESTS_SNIPPET_H_
