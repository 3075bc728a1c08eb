/**
 * cuda_bench [--shapes FILE]... [--m 1,2,4] [--layout i2s,t5] [--activation a8|a16] [--block 0,128] [--rotation 0,128]
 *            [--copies N] [--repetitions N] [--seconds N] [--json FILE] [--residuals FILE]
 * cuda_bench --pdl | --host  with the same options
 * cuda_bench --experts MODEL|E,T,H,I... [--m 1,4,16] [--layout i2s,t5] [--repetitions N] [--seconds N] [--json FILE]
 * cuda_bench --facts | --library
 *
 * ternary_apply_async() on a GPU, bf16 in and out, over the shapes of test-data/shapes: each call in a CUDA graph that
 * goes round copies of the weights (more than the L2 holds, unless --copies 1), timed by events, the median of the
 * repetitions. Beside it the cost model's prediction, the bandwidth of the packed weights and its part of the device's,
 * multiply-adds (two operations) a second and their part of what the device has for dense bf16, and cuBLASLt's bf16
 * and int8 products of the same shape where the machine has cuBLASLt. Each product is compared with the CPU's before
 * it is timed, some rows of it: A8 bit for bit. --residuals writes what the cost model loads.
 *
 * --block: so many columns of X have one scale, or 0: a row has. --rotation: so many columns are rotated together, or 0:
 * none are. Each is measured with each; the cost model predicts neither.
 *
 * --experts times layers of experts, A8, whose slots are spread evenly; each call goes on to other experts. Beside the times
 * stands what the bytes of the chosen experts take at the memory's bandwidth. A row of each is compared with the CPU's.
 *
 * --pdl times chains with programmatic launch and without, --host what a call and a graph's replay cost besides the
 * product. --facts prints what the device says of itself, --library the GPU library that it uses, e.g. "sm90a". After
 * --seconds no measurement begins; the status is then 3. The software GPU does the same work, but no time is printed.
 *
 * Needs no Google Benchmark: it is part of the bundle for GPU machines.
 */
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "bench/tables.h"

namespace ternary::bench {
namespace {

constexpr int kLeftOut = 3;  ///< the status if --seconds were too few

/** The value of a string member of the info's "cuda" object. */
std::string cuda_info(const ternary_runtime* runtime, const std::string& member) {
  const std::string info = text_of(
      [&](char* text, size_t size, size_t* length) { return ternary_runtime_info(runtime, text, size, length); });
  const size_t cuda = info.find("\"cuda\":{"), at = info.find("\"" + member + "\":\"", cuda);
  if (cuda == std::string::npos || at == std::string::npos) fail("no " + member + " in " + info);
  const size_t begin = at + member.size() + 4;
  return info.substr(begin, info.find('"', begin) - begin);
}

/** The status of the program. */
int run(const Options& options) {
  const std::string folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  check(ternary_configure_process(folder.c_str(), 1), "ternary_configure_process");
  const Machine machine;
  const std::string library = cuda_info(machine.cuda.get(), "library");
  if (options.table == Table::library) {
    std::printf("%s\n", library.c_str());
    return EXIT_SUCCESS;
  }
  if (options.table == Table::facts) {
    print_facts(machine.gpu);
    std::printf("library: %s\n", library.c_str());
    return EXIT_SUCCESS;
  }
  std::printf("device %s, library %s, L2 %.1f MB, %.0f GB/s%s\n", machine.gpu.name.c_str(), library.c_str(),
              machine.gpu.l2_bytes / 1e6, machine.gpu.gb_per_s, machine.gpu.software ? "; software GPU: no times" : "");
  Deadline deadline(options.seconds);
  if (options.table == Table::pdl) {
    pdl_table(machine, options, deadline);
  } else if (options.table == Table::experts) {
    experts_table(machine, options, deadline);
  } else if (options.table == Table::host) {
    host_table(machine, options, deadline);
  } else {
    products_table(machine, options, deadline);
  }
  return deadline.was_met() ? kLeftOut : EXIT_SUCCESS;
}

}  // namespace
}  // namespace ternary::bench

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // whoever ends this early has what was measured
  return ternary::bench::run(ternary::bench::parse(argc, argv));
}
