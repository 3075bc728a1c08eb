/**
 * @file aligned.h
 * @brief Bytes that begin where a GPU would let them begin: kernels look at the low bits of generic addresses.
 */
#ifndef TERNARY_SOFTGPU_MEMORY_ALIGNED_H_
#define TERNARY_SOFTGPU_MEMORY_ALIGNED_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace ternary::softgpu {

template <class T, size_t alignment>
struct AlignedAllocator {
  using value_type = T;
  template <class Other>
  struct rebind {
    using other = AlignedAllocator<Other, alignment>;
  };
  T* allocate(size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{alignment})); }
  void deallocate(T* pointer, size_t) { ::operator delete(pointer, std::align_val_t{alignment}); }
  bool operator==(const AlignedAllocator&) const { return true; }
  bool operator!=(const AlignedAllocator&) const { return false; }
};

/** Parameters of a launch, shared memory of a CTA: the largest alignment that anything in them has. */
using AlignedBytes = std::vector<uint8_t, AlignedAllocator<uint8_t, 1024>>;

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_MEMORY_ALIGNED_H_
