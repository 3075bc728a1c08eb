/**
 * @file immintrin.h
 * @brief For tests: the AVX-VNNI, AVX-512 and AMX intrinsics that our kernels use, lane by lane, on an AVX2 machine.
 *
 * Found before the compiler's own header, which it includes. A kernel's unqualified call finds these functions, declared
 * in the kernels' namespace, before the compiler's, which are global: so an intrinsic that is missing here does not
 * compile. Written from the operation sections of Intel's manual; README.md says what this proves.
 */
#ifndef TERNARY_CPU_EMULATION_IMMINTRIN_H_
#define TERNARY_CPU_EMULATION_IMMINTRIN_H_

#include_next <immintrin.h>

#include <cstdint>
#include <cstring>

#include "cpu/emulation/tile_registers.h"

namespace ternary::cpu {
namespace {

#define TERNARY_EMULATED static inline __attribute__((always_inline))

/** A register from function(i) for each of its elements. */
template <class Register, class Vector, class Function>
TERNARY_EMULATED Register lanes(Function function) {
  Vector result;
  for (unsigned i = 0; i < sizeof(Vector) / sizeof(result[0]); ++i) result[i] = function(i);
  return reinterpret_cast<Register>(result);
}

template <class Function>
TERNARY_EMULATED __m512 floats(Function function) {
  return lanes<__m512, __v16sf>(function);
}

template <class Function>
TERNARY_EMULATED __m512i ints(Function function) {
  return lanes<__m512i, __v16su>(function);
}

TERNARY_EMULATED uint32_t unsigned_lane(__m512i a, unsigned i) { return reinterpret_cast<__v16su>(a)[i]; }
TERNARY_EMULATED int32_t signed_lane(__m512i a, unsigned i) { return reinterpret_cast<__v16si>(a)[i]; }

// ---- memory

TERNARY_EMULATED __m512i _mm512_loadu_si512(const void* p) {
  __m512i a;
  std::memcpy(&a, p, sizeof a);
  return a;
}
TERNARY_EMULATED void _mm512_storeu_si512(void* p, __m512i a) { std::memcpy(p, &a, sizeof a); }
TERNARY_EMULATED __m512i _mm512_load_si512(const void* p) {
  if (reinterpret_cast<uintptr_t>(p) % 64 != 0) fault("misaligned vmovdqa64 load");
  return _mm512_loadu_si512(p);
}
TERNARY_EMULATED void _mm512_store_si512(void* p, __m512i a) {
  if (reinterpret_cast<uintptr_t>(p) % 64 != 0) fault("misaligned vmovdqa64 store");
  _mm512_storeu_si512(p, a);
}
TERNARY_EMULATED __m512 _mm512_loadu_ps(const void* p) { return reinterpret_cast<__m512>(_mm512_loadu_si512(p)); }
TERNARY_EMULATED void _mm512_storeu_ps(void* p, __m512 a) { std::memcpy(p, &a, sizeof a); }

// ---- constants and casts

TERNARY_EMULATED __m512 _mm512_set1_ps(float value) {
  return floats([&](unsigned) { return value; });
}
TERNARY_EMULATED __m512 _mm512_set4_ps(float d, float c, float b, float a) {
  const float values[4] = {a, b, c, d};
  return floats([&](unsigned i) { return values[i % 4]; });
}
TERNARY_EMULATED __m512i _mm512_set1_epi32(int value) {
  return ints([&](unsigned) { return static_cast<uint32_t>(value); });
}
TERNARY_EMULATED __m512i _mm512_set1_epi8(char value) {
  return _mm512_set1_epi32(static_cast<int>(0x01010101u * static_cast<uint8_t>(value)));
}
TERNARY_EMULATED __m512i _mm512_set1_epi16(short value) {
  return _mm512_set1_epi32(static_cast<int>(0x00010001u * static_cast<uint16_t>(value)));
}
TERNARY_EMULATED __m512i _mm512_broadcast_i32x4(__m128i a) {
  return ints([&](unsigned i) { return reinterpret_cast<__v4su>(a)[i % 4]; });
}
TERNARY_EMULATED __m512i _mm512_castps_si512(__m512 a) { return reinterpret_cast<__m512i>(a); }
TERNARY_EMULATED __m512 _mm512_castsi512_ps(__m512i a) { return reinterpret_cast<__m512>(a); }

// ---- fp32: the machine's own instructions, so rounding and MXCSR are real

TERNARY_EMULATED __m512 _mm512_add_ps(__m512 a, __m512 b) {
  return floats([&](unsigned i) { return a[i] + b[i]; });
}
TERNARY_EMULATED __m512 _mm512_sub_ps(__m512 a, __m512 b) {
  return floats([&](unsigned i) { return a[i] - b[i]; });
}
TERNARY_EMULATED __m512 _mm512_mul_ps(__m512 a, __m512 b) {
  return floats([&](unsigned i) { return a[i] * b[i]; });
}
TERNARY_EMULATED __m512 _mm512_div_ps(__m512 a, __m512 b) {
  return floats([&](unsigned i) { return a[i] / b[i]; });
}
/** vminps and vmaxps: the second operand unless the comparison holds. */
TERNARY_EMULATED __m512 _mm512_min_ps(__m512 a, __m512 b) {
  return floats([&](unsigned i) { return a[i] < b[i] ? a[i] : b[i]; });
}
TERNARY_EMULATED __m512 _mm512_max_ps(__m512 a, __m512 b) {
  return floats([&](unsigned i) { return a[i] > b[i] ? a[i] : b[i]; });
}
TERNARY_EMULATED __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
  return floats([&](unsigned i) { return __builtin_fmaf(a[i], b[i], c[i]); });
}
TERNARY_EMULATED __m512i _mm512_cvtps_epi32(__m512 a) {
  return ints([&](unsigned i) { return static_cast<uint32_t>(_mm_cvtss_si32(_mm_set_ss(a[i]))); });
}
TERNARY_EMULATED __m512 _mm512_cvtepi32_ps(__m512i a) {
  return floats([&](unsigned i) { return static_cast<float>(signed_lane(a, i)); });
}
TERNARY_EMULATED __m512 _mm512_cvtph_ps(__m256i a) {
  return floats([&](unsigned i) { return _cvtsh_ss(reinterpret_cast<__v16hu>(a)[i]); });
}
template <int kRounding>
TERNARY_EMULATED __m256i cvtps_ph(__m512 a) {
  return lanes<__m256i, __v16hu>([&](unsigned i) { return _cvtss_sh(a[i], kRounding); });
}
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph(a, rounding) cvtps_ph<rounding>(a)
/** vpermilps by a constant: two bits for each of four elements. */
template <unsigned kControl>
TERNARY_EMULATED __m512 permute_ps(__m512 a) {
  return floats([&](unsigned i) { return a[i / 4 * 4 + (kControl >> (i % 4 * 2) & 3)]; });
}
#undef _mm512_permute_ps
#define _mm512_permute_ps(a, control) permute_ps<control>(a)
/** vshuff32x4: 128 bits each by two bits, the lower two of a, the upper two of b. */
template <unsigned kControl>
TERNARY_EMULATED __m512 shuffle_f32x4(__m512 a, __m512 b) {
  return floats([&](unsigned i) {
    const unsigned element = (kControl >> (i / 4 * 2) & 3) * 4 + i % 4;
    return i < 8 ? a[element] : b[element];
  });
}
#undef _mm512_shuffle_f32x4
#define _mm512_shuffle_f32x4(a, b, control) shuffle_f32x4<control>(a, b)
/** vpermilps: an element of the same 128 bits, by the low two bits of the control. */
TERNARY_EMULATED __m512 _mm512_permutevar_ps(__m512 a, __m512i control) {
  return floats([&](unsigned i) { return a[i / 4 * 4 + (unsigned_lane(control, i) & 3)]; });
}
/** vpermps: an element of all 512 bits, by the low four bits of the control. */
TERNARY_EMULATED __m512 _mm512_permutexvar_ps(__m512i control, __m512 a) {
  return floats([&](unsigned i) { return a[unsigned_lane(control, i) & 15]; });
}
/** vpermt2ps: an element of a by the low four bits of the control, or of b where bit 4 is set. */
TERNARY_EMULATED __m512 _mm512_permutex2var_ps(__m512 a, __m512i control, __m512 b) {
  return floats([&](unsigned i) {
    const unsigned element = unsigned_lane(control, i);
    return element & 16 ? b[element & 15] : a[element & 15];
  });
}

// ---- integers

TERNARY_EMULATED __m512i _mm512_add_epi32(__m512i a, __m512i b) {
  return ints([&](unsigned i) { return unsigned_lane(a, i) + unsigned_lane(b, i); });
}
TERNARY_EMULATED __m512i _mm512_sub_epi32(__m512i a, __m512i b) {
  return ints([&](unsigned i) { return unsigned_lane(a, i) - unsigned_lane(b, i); });
}
TERNARY_EMULATED __m512i _mm512_max_epi32(__m512i a, __m512i b) {
  return ints([&](unsigned i) {
    return static_cast<uint32_t>(signed_lane(a, i) > signed_lane(b, i) ? signed_lane(a, i) : signed_lane(b, i));
  });
}
TERNARY_EMULATED __m512i _mm512_and_si512(__m512i a, __m512i b) {
  return ints([&](unsigned i) { return unsigned_lane(a, i) & unsigned_lane(b, i); });
}
TERNARY_EMULATED __m512i _mm512_or_si512(__m512i a, __m512i b) {
  return ints([&](unsigned i) { return unsigned_lane(a, i) | unsigned_lane(b, i); });
}
TERNARY_EMULATED __m512i _mm512_xor_si512(__m512i a, __m512i b) {
  return ints([&](unsigned i) { return unsigned_lane(a, i) ^ unsigned_lane(b, i); });
}
TERNARY_EMULATED __m512i _mm512_slli_epi32(__m512i a, unsigned count) {
  return ints([&](unsigned i) { return count < 32 ? unsigned_lane(a, i) << count : 0; });
}
TERNARY_EMULATED __m512i _mm512_srli_epi32(__m512i a, unsigned count) {
  return ints([&](unsigned i) { return count < 32 ? unsigned_lane(a, i) >> count : 0; });
}
TERNARY_EMULATED __m512i _mm512_srai_epi32(__m512i a, unsigned count) {
  return ints([&](unsigned i) { return static_cast<uint32_t>(signed_lane(a, i) >> (count < 32 ? count : 31)); });
}
TERNARY_EMULATED __m512i _mm512_srli_epi16(__m512i a, unsigned count) {
  return lanes<__m512i, __v32hu>([&](unsigned i) {
    return static_cast<unsigned short>(count < 16 ? reinterpret_cast<__v32hu>(a)[i] >> count : 0);
  });
}
TERNARY_EMULATED __m512i _mm512_cvtepu8_epi32(__m128i a) {
  return ints([&](unsigned i) { return static_cast<uint32_t>(reinterpret_cast<__v16qu>(a)[i]); });
}
TERNARY_EMULATED __m512i _mm512_cvtepi8_epi32(__m128i a) {
  return ints([&](unsigned i) { return static_cast<uint32_t>(static_cast<int8_t>(reinterpret_cast<__v16qu>(a)[i])); });
}
TERNARY_EMULATED __m512i _mm512_cvtepu16_epi32(__m256i a) {
  return ints([&](unsigned i) { return static_cast<uint32_t>(reinterpret_cast<__v16hu>(a)[i]); });
}
TERNARY_EMULATED __m128i _mm512_cvtepi32_epi8(__m512i a) {  // truncates
  return lanes<__m128i, __v16qu>([&](unsigned i) { return static_cast<uint8_t>(unsigned_lane(a, i)); });
}
TERNARY_EMULATED __m256i _mm512_cvtepi32_epi16(__m512i a) {  // truncates
  return lanes<__m256i, __v16hu>([&](unsigned i) { return static_cast<unsigned short>(unsigned_lane(a, i)); });
}
TERNARY_EMULATED int _mm512_reduce_add_epi32(__m512i a) {
  uint32_t sum = 0;
  for (unsigned i = 0; i < 16; ++i) sum += unsigned_lane(a, i);
  return static_cast<int>(sum);
}
TERNARY_EMULATED int _mm512_reduce_max_epi32(__m512i a) {
  int largest = signed_lane(a, 0);
  for (unsigned i = 1; i < 16; ++i) largest = signed_lane(a, i) > largest ? signed_lane(a, i) : largest;
  return largest;
}

/** vpmaddubsw: two products of unsigned bytes of a and signed bytes of b, added with signed saturation. */
TERNARY_EMULATED __m512i _mm512_maddubs_epi16(__m512i a, __m512i b) {
  return lanes<__m512i, __v32hu>([&](unsigned i) {
    int sum = 0;
    for (unsigned byte = 2 * i; byte < 2 * i + 2; ++byte) {
      sum += reinterpret_cast<__v64qu>(a)[byte] * static_cast<int8_t>(reinterpret_cast<__v64qu>(b)[byte]);
    }
    return static_cast<unsigned short>(sum < -32768 ? -32768 : sum > 32767 ? 32767 : sum);
  });
}
/** vpshufb: a byte of the same 128 bits by the low four bits of the control, 0 where its highest bit is set. */
TERNARY_EMULATED __m512i _mm512_shuffle_epi8(__m512i a, __m512i control) {
  return lanes<__m512i, __v64qu>([&](unsigned i) {
    const uint8_t index = reinterpret_cast<__v64qu>(control)[i];
    return static_cast<uint8_t>(index & 0x80 ? 0 : reinterpret_cast<__v64qu>(a)[i / 16 * 16 + (index & 15)]);
  });
}

// ---- masks

TERNARY_EMULATED __mmask16 _mm512_cmpeq_epi32_mask(__m512i a, __m512i b) {
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= static_cast<unsigned>(unsigned_lane(a, i) == unsigned_lane(b, i)) << i;
  return static_cast<__mmask16>(mask);
}
template <int kPredicate>
TERNARY_EMULATED __mmask16 cmp_ps_mask(__m512 a, __m512 b) {
  static_assert(kPredicate == _CMP_UNORD_Q, "the one predicate in use");
  unsigned mask = 0;
  for (unsigned i = 0; i < 16; ++i) mask |= static_cast<unsigned>(__builtin_isunordered(a[i], b[i])) << i;
  return static_cast<__mmask16>(mask);
}
#undef _mm512_cmp_ps_mask
#define _mm512_cmp_ps_mask(a, b, predicate) cmp_ps_mask<predicate>(a, b)
TERNARY_EMULATED __m512i _mm512_mask_mov_epi32(__m512i source, __mmask16 mask, __m512i a) {
  return ints([&](unsigned i) { return mask >> i & 1 ? unsigned_lane(a, i) : unsigned_lane(source, i); });
}

TERNARY_EMULATED __m512i _mm512_mask_mov_epi8(__m512i source, __mmask64 mask, __m512i a) {
  return lanes<__m512i, __v64qu>([&](unsigned i) {
    return mask >> i & 1 ? reinterpret_cast<__v64qu>(a)[i] : reinterpret_cast<__v64qu>(source)[i];
  });
}

// ---- dpbusd: sums[i] += four products of unsigned bytes of a and signed bytes of b, modulo 2^32

TERNARY_EMULATED uint32_t dot_four(uint32_t sum, uint32_t a, uint32_t b) {
  for (int byte = 0; byte < 4; ++byte) {
    sum += static_cast<uint32_t>(static_cast<uint8_t>(a >> (8 * byte)) * static_cast<int8_t>(b >> (8 * byte)));
  }
  return sum;
}
TERNARY_EMULATED __m512i _mm512_dpbusd_epi32(__m512i sums, __m512i a, __m512i b) {
  return ints([&](unsigned i) { return dot_four(unsigned_lane(sums, i), unsigned_lane(a, i), unsigned_lane(b, i)); });
}
TERNARY_EMULATED __m256i _mm256_dpbusd_avx_epi32(__m256i sums, __m256i a, __m256i b) {
  return lanes<__m256i, __v8su>([&](unsigned i) {
    return dot_four(reinterpret_cast<__v8su>(sums)[i], reinterpret_cast<__v8su>(a)[i], reinterpret_cast<__v8su>(b)[i]);
  });
}

}  // namespace
}  // namespace ternary::cpu

#endif  // TERNARY_CPU_EMULATION_IMMINTRIN_H_
