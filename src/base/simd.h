#pragma once

// Highway for code that is compiled once for each instruction set of base/cpu.h. Only Highway's
// headers are used: loading its library costs 5 ms at start, for timers that we do not need.
//
// A file with such code looks like this:
//
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "folder/file.cc"
//   #include "base/simd.h"
//   #include <hwy/foreach_target.h>
//   #include <hwy/highway.h>
//   HWY_BEFORE_NAMESPACE();
//   namespace retinaface::HWY_NAMESPACE { void f(int); }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace retinaface { void f(int x) { RF_SIMD_VARIANT(f)(x); } }
//   #endif

#include "base/cpu.h"

// SVE has vectors of no fixed size, which no array can hold.
#define RF_HWY_SVE (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | RF_HWY_SVE)

#if defined(__x86_64__)
/// The variant of a function that fits the CPU.
#define RF_SIMD_VARIANT(function)                                                     \
  (::retinaface::simd_level() == ::retinaface::SimdLevel::kAvx512 ? &N_AVX3::function \
   : ::retinaface::simd_level() == ::retinaface::SimdLevel::kAvx2                     \
       ? &N_AVX2::function                                                            \
       : &HWY_STATIC_DISPATCH(function))
#else
#define RF_SIMD_VARIANT(function) (&HWY_STATIC_DISPATCH(function))
#endif
