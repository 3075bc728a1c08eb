/** Kernels whose warps have work of their own, by ten instructions of each (tools/sass_tiles.h). */
#include "tools/sass_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace ternary::test {
namespace {

/** As the kernels of native/cutlass_gemm: the roles one behind the other, and second tries of barriers behind all. */
Instructions kernel() {
  return {{0x00, "@P0", "BRA", " 0x40"},
          {0x10, "", "ACQBULK", ""},
          {0x20, "", "UTMALDG.3D", " [UR8], [UR24]"},
          {0x30, "@P1", "BRA", " 0x20"},
          {0x40, "@P0", "BRA", " 0xd0"},  // decode
          {0x50, "@!P0", "BRA", " 0x150"},
          {0x58, "", "STTM.x8", " tmem[UR14+0x58], R52"},
          {0x60, "", "LDS.128", " R4, [R11]"},
          {0x70, "", "LOP3.LUT", " R4, R4, 0xc000c000, RZ, 0xc0, !PT"},
          {0x80, "", "STTM.x8", " tmem[UR14+0x60], R60"},
          {0x90, "", "STTM.x8", " tmem[UR14+0x68], R68"},
          {0xa0, "@P2", "BRA", " 0x60"},
          {0xb0, "@P3", "BRA", " 0x50"},
          {0xc0, "", "EXIT", ""},
          {0xd0, "@P0", "BRA", " 0x110"},  // multiply
          {0xe0, "", "UTCHMMA", " tmem[UR26], gdesc[UR48], tmem[UR14]"},
          {0xf0, "", "UTCHMMA", " tmem[UR26], gdesc[UR50], tmem[UR14]"},
          {0x100, "@P1", "BRA", " 0xe0"},
          {0x110, "", "PREEXIT", ""},
          {0x120, "", "ACQBULK", ""},
          {0x130, "", "STG.E.U16", " desc[UR26][R2.64], R4"},
          {0x140, "", "EXIT", ""},
          {0x150, "", "SYNCS.PHASECHK.TRANS64.TRYWAIT", " P0, [R8+URZ], R5"},
          {0x160, "", "BRA", " 0x60"}};
}

Instructions without(Instructions code, const char* name) {
  code.erase(std::remove_if(code.begin(), code.end(), [&](const Instruction& i) { return begins(i.name, name); }),
             code.end());
  return code;
}

std::string rules(const Instructions& code, bool pdl = true) {
  std::string all;
  for (const Fault& fault : tile_faults(code, pdl)) all += fault.rule + ": " + fault.sentence + "\n";
  return all;
}

TEST(SassTiles, TheLoopIsTheInnermostThatStoresToTensorMemory) {
  const Instructions code = kernel();
  const TileLoops loops = tile_loops(code);
  EXPECT_EQ(code[loops.decode.begin].address, 0x60U);
  EXPECT_EQ(code[loops.decode.end - 1].address, 0xa0U);
  EXPECT_EQ(loops.weights, 32) << "two stores of eight registers of two weights";
  EXPECT_EQ(loops.products, 2);
}

TEST(SassTiles, CodeWithoutALoopHasNoWeights) {
  const TileLoops loops = tile_loops(without(kernel(), "STTM"));
  EXPECT_EQ(loops.weights, 0);
  EXPECT_EQ(loops.decode.end, 0U);
}

TEST(SassTiles, NothingIsWrongWithSuchAKernel) { EXPECT_EQ(rules(kernel()), ""); }

TEST(SassTiles, AKernelOfNothingBreaksItsPromise) {
  const Instructions nothing = {{0x00, "", "ACQBULK", ""}, {0x10, "", "PREEXIT", ""}, {0x20, "", "BPT.TRAP", " 0x1"}};
  EXPECT_EQ(rules(nothing), "promise: has no tcgen05.mma (UTCHMMA, UTCIMMA): it was compiled to nothing\n");
  Instructions old = kernel();
  for (Instruction& i : old) {
    if (i.name == "UTCHMMA") i.name = "HMMA.16816.F32.BF16";
  }
  EXPECT_NE(rules(old, false).find("promise"), std::string::npos) << "mma.sync is not what it promises";
}

TEST(SassTiles, TensorsAreTouchedBehindTheWait) {
  EXPECT_NE(rules(without(kernel(), "ACQBULK")).find("chain: has no griddepcontrol.wait"), std::string::npos);
  EXPECT_EQ(rules(without(kernel(), "PREEXIT")), "chain: has no griddepcontrol.launch_dependents\n");
  Instructions first = kernel();
  std::swap(first[1], first[2]);
  std::swap(first[1].address, first[2].address);
  EXPECT_EQ(rules(first), "chain: UTMALDG.3D at 0x10 may come before griddepcontrol.wait\n");
  Instructions epilogue = kernel();
  epilogue[19].name = "NOP";
  EXPECT_EQ(rules(epilogue), "chain: STG.E.U16 at 0x130 may come before griddepcontrol.wait\n");
  EXPECT_EQ(rules(epilogue, false), "") << "no chain";
}

}  // namespace
}  // namespace ternary::test
