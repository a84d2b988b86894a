#include "base/cpu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include <sched.h>
#if defined(__aarch64__)
#include <sys/auxv.h>
#elif defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/check.h"
#include "base/cpu_quota.h"
#include "base/file.h"

namespace retinaface {
inline namespace internal {
namespace {

SimdLevel hardware_level() {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return avx2 && avx512 ? SimdLevel::kAvx512 : avx2 ? SimdLevel::kAvx2 : SimdLevel::kBaseline;
#else
  return SimdLevel::kBaseline;
#endif
}

#if defined(__x86_64__)
/// CPUID's bit; compilers' __builtin_cpu_supports do not know it.
bool processor_has_avx_vnni() {
  constexpr unsigned kLeaf = 7;
  constexpr unsigned kSubleaf = 1;
  constexpr unsigned kBit = 1U << 4;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid_count(kLeaf, kSubleaf, &eax, &ebx, &ecx, &edx) != 0 && (eax & kBit) != 0;
}
#endif

struct Allowed {
  SimdLevel level;
  bool avx_vnni;
};

/// What RETINAFACE_SIMD allows.
Allowed allowed() {
  const char* const text = std::getenv("RETINAFACE_SIMD");
  const std::string_view name = text == nullptr ? "" : text;
  if (name.empty() || name == "avx512") return {SimdLevel::kAvx512, true};
  if (name == "avxvnni") return {SimdLevel::kAvx2, true};
  if (name == "avx2") return {SimdLevel::kAvx2, false};
  if (name == "baseline") return {SimdLevel::kBaseline, false};
  fail(ErrorCode::kInvalidArgument,
       "RETINAFACE_SIMD: expected baseline, avx2, avxvnni or avx512, found {}", excerpt(name));
}

/// The CPUs that this process may run on.
int bound_cpus() {
  constexpr std::size_t kCpus = 1 << 16;  // more than the kernel knows
  static_assert(kCpus % CPU_SETSIZE == 0);
  std::vector<cpu_set_t> set(kCpus / CPU_SETSIZE);
  const std::size_t bytes = set.size() * sizeof(cpu_set_t);
  if (::sched_getaffinity(0, bytes, set.data()) == 0) return CPU_COUNT_S(bytes, set.data());
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

SimdLevel simd_level() {
  static const SimdLevel level = std::min(hardware_level(), allowed().level);
  return level;
}

const char* to_string(SimdLevel level) {
  switch (level) {
    case SimdLevel::kAvx512:
      return "AVX-512";
    case SimdLevel::kAvx2:
      return "AVX2";
    case SimdLevel::kBaseline:
      break;
  }
  return "baseline";
}

bool has_bfloat16_products() {
#if defined(__x86_64__)
  return simd_level() == SimdLevel::kAvx512 && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool has_avx_vnni() {
#if defined(__x86_64__)
  return simd_level() >= SimdLevel::kAvx2 && allowed().avx_vnni && processor_has_avx_vnni();
#else
  return false;
#endif
}

bool has_int8_dot_products() {
#if defined(__x86_64__)
  return simd_level() == SimdLevel::kAvx512 ? __builtin_cpu_supports("avx512vnni") != 0
                                            : has_avx_vnni();
#elif defined(__aarch64__)
  return allowed().level > SimdLevel::kBaseline && (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
  return false;
#endif
}

bool has_mixed_dot_products() {
#if defined(__aarch64__)
  return has_int8_dot_products() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
#else
  return has_int8_dot_products();
#endif
}

int core_count() {
  static const int count = [] {
    int cpus = bound_cpus();
    if (const auto quota = cpu_quota()) {
      cpus = static_cast<int>(std::min<double>(cpus, std::ceil(*quota)));
    }
    return std::max(cpus, 1);
  }();
  return count;
}

int thread_count(int asked) {
  return asked > 0 ? asked : core_count();
}

}  // namespace internal
}  // namespace retinaface
