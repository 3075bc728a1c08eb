/**
 * @file mbarrier.h
 * @brief mbarrier objects of a CTA.
 */
#ifndef TERNARY_SOFTGPU_OPCODES_MBARRIER_H_
#define TERNARY_SOFTGPU_OPCODES_MBARRIER_H_

#include <cstdint>
#include <map>

#include "softgpu/exec/cta.h"

namespace ternary::softgpu {

/** One object. Its 8 bytes of shared memory are only looked at for races; what it holds is here. */
struct Mbarrier {
  uint32_t expected = 0;
  uint32_t pending = 0;
  uint64_t phase = 0;
  int64_t transaction_bytes = 0;
  Clock clock;     ///< of those who arrived in this phase
  Clock released;  ///< of the phase before

  /** `count` of the pending arrivals have come. */
  void arrive(uint32_t count);
  void expect_transaction(int64_t bytes);
  void complete_transaction(int64_t bytes);

 private:
  void complete_phase();
  void change_transaction(int64_t bytes);
};

class Mbarriers : public Extension {
 public:
  static Mbarriers& of(Cta& cta);

  /** The object at an address of `cta`; a fault if there is none. */
  Mbarrier& at(uint64_t address);
  void make(uint64_t address, uint32_t count);
  void remove(uint64_t address);

 private:
  std::map<uint64_t, Mbarrier> objects_;
};

}  // namespace ternary::softgpu

#endif  // TERNARY_SOFTGPU_OPCODES_MBARRIER_H_
