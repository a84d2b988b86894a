#pragma once

// The code between these two is compiled for further instructions. Headers of the standard library
// come before: what of theirs was compiled so, the linker might hand to all.
#if defined(__clang__)
#define RF_TARGET_PRAGMA(text) _Pragma(#text)
#define RF_BEGIN_TARGET(set) \
  RF_TARGET_PRAGMA(clang attribute push(__attribute__((target(set))), apply_to = function))
#define RF_END_TARGET _Pragma("clang attribute pop")
#else
#define RF_TARGET_PRAGMA(text) _Pragma(#text)
#define RF_BEGIN_TARGET(set) _Pragma("GCC push_options") RF_TARGET_PRAGMA(GCC target(set))
#define RF_END_TARGET _Pragma("GCC pop_options")
#endif
