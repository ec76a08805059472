// LOOM_SIMD=AVX2 runs the tests of the kernels with those that are made for that instruction set, as Highway names it, in place
// of the best one that the processor has. Exit code 77 where the processor does not have it.
#include <hwy/targets.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "loom/math.h"

namespace {

struct SimdTarget {
  SimdTarget() {
    const char* wanted = std::getenv("LOOM_SIMD");
    if (wanted == nullptr) return;
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
      if (std::string(hwy::TargetName(target)) != wanted) continue;
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(target);
      BOOST_TEST_MESSAGE("kernels for " << loom::math::simd_target());
      if (loom::math::simd_target() == wanted) return;
      std::fprintf(stderr, "the kernels are those for %s, not for %s\n", loom::math::simd_target().c_str(), wanted);
      std::exit(1);
    }
    std::fprintf(stderr, "skipped: this processor has no %s\n", wanted);
    std::exit(77);
  }
};

BOOST_TEST_GLOBAL_FIXTURE(SimdTarget);

}  // namespace
