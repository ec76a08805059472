#include "dnnl/cpu.h"

#include "dnnl/detail.h"

#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
#include <omp.h>
#endif

namespace loom::dnnl {

void pin_this_thread() {
#if DNNL_CPU_THREADING_RUNTIME == DNNL_RUNTIME_OMP
  thread_local bool pinned = false;
  if (!pinned) {
    omp_set_num_threads(1);
    pinned = true;
  }
#endif
  // A sequential build needs nothing. In a TBB build the arena of the scheduler limits the parallelism,
  // and a primitive created inside a one-thread arena stays single-threaded.
}

namespace {

const char* runtime_name(unsigned runtime) {
  switch (runtime) {
    case DNNL_RUNTIME_SEQ: return "sequential";
    case DNNL_RUNTIME_OMP: return "OpenMP";
    case DNNL_RUNTIME_TBB: return "TBB";
    case DNNL_RUNTIME_THREADPOOL: return "thread pool";
    default: return "unknown threading";
  }
}

std::string isa_name(::dnnl::cpu_isa isa) {
  // By value and not by name: the versions have different names, but each value has one meaning.
  switch (static_cast<unsigned>(isa)) {
    case 0x1: return "SSE4.1";
    case 0x3: return "AVX";
    case 0x7: return "AVX2";
    case 0xf:
    case 0x407: return "AVX2 with VNNI";
    case 0x1f: return "AVX2 with VNNI 2";
    case 0x27: return "AVX-512";
    case 0x67: return "AVX-512 with VNNI";
    case 0xe7:
    case 0x4e7: return "AVX-512 with VNNI and BF16";
    case 0x1ef: return "AVX-512 with FP16";
    case 0x3e7:
    case 0xfef: return "AVX-512 with AMX";
    case 0x1fef: return "AVX-512 with AMX and FP16";
    default: {
      static const char kDigits[] = "0123456789abcdef";
      std::string text;
      for (unsigned value = static_cast<unsigned>(isa); value != 0; value >>= 4) {
        text.insert(text.begin(), kDigits[value & 15]);
      }
      return "instruction set 0x" + text;
    }
  }
}

}  // namespace

bool has_bf16() {
  constexpr unsigned kBf16 = 0x80;  // has the same meaning in all versions
  return (static_cast<unsigned>(::dnnl::get_effective_cpu_isa()) & kBf16) != 0;
}

bool has_amx() {
  constexpr unsigned kAmxTile = 0x200;  // likewise
  return (static_cast<unsigned>(::dnnl::get_effective_cpu_isa()) & kAmxTile) != 0;
}

std::string instruction_set() { return isa_name(::dnnl::get_effective_cpu_isa()); }

std::string describe() {
  const auto& version = *::dnnl::version();
  return "oneDNN " + std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
         std::to_string(version.patch) + " (" + runtime_name(version.cpu_runtime) + "), " +
         instruction_set();
}

}  // namespace loom::dnnl
