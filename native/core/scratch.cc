#include "core/scratch.h"

#include <cstdlib>
#include <new>

#include "core/kernel.h"

namespace ternary {
namespace {

constexpr int64_t kKeptBytes = int64_t{64} << 20;

struct Block {
  char* data = nullptr;
  int64_t bytes = 0;
  ~Block() { std::free(data); }
  void resize(int64_t wanted) {
    std::free(data);
    bytes = 0;
    data = static_cast<char*>(std::aligned_alloc(kScratchAlignment, wanted));
    if (data == nullptr) throw std::bad_alloc();
    bytes = wanted;
  }
};

thread_local Block block;

}  // namespace

Scratch::Scratch(int64_t bytes) {
  if (bytes > block.bytes) block.resize(round_up(bytes, kScratchAlignment));
  next_ = block.data;
}

Scratch::~Scratch() {
  if (block.bytes > kKeptBytes) {
    std::free(block.data);
    block.data = nullptr;
    block.bytes = 0;
  }
}

void* Scratch::take_bytes(int64_t bytes) {
  void* taken = next_;
  next_ += round_up(bytes, kScratchAlignment);
  return taken;
}

}  // namespace ternary
