#include "run/algorithms.h"

#include <algorithm>

#include "dnnl/cpu.h"
#include "dnnl/winograd_choice.h"
#include "loom/error.h"

namespace loom {

std::string checked_precision(const std::string& word) {
  const std::string& wanted = word.empty() ? kPrecisionWords.front() : word;
  if (std::ranges::find(kPrecisionWords, wanted) == kPrecisionWords.end()) {
    Diagnostics findings;
    findings.add_unknown_word({}, "not a precision", wanted, kPrecisionWords);
    findings.throw_if_any();
  }
  return wanted;
}

bool has_precision(const std::string& precision) { return precision != kBf16 || dnnl::has_bf16(); }

void require_precision(const std::string& precision) {
  if (has_precision(precision)) return;
  throw Error(ErrorCode::not_supported,
              "this processor does not multiply bf16: it has neither AVX512_BF16 nor AMX (" + dnnl::describe() + ")",
              "--precision f32");
}

std::string instruction_set() { return dnnl::instruction_set(); }

std::string recorded_algorithms(const std::string& word) {
  const std::string& wanted = word.empty() ? kAlgorithmWords.front() : word;
  if (std::ranges::find(kAlgorithmWords, algorithms_word(wanted)) == kAlgorithmWords.end()) {
    Diagnostics findings;
    findings.add_unknown_word({}, "not a choice of algorithms", wanted, kAlgorithmWords);
    findings.throw_if_any();
  }
  return wanted == kAlgorithmWords.front() ? wanted + " " + dnnl::winograd_table_digest() : wanted;
}

std::string algorithms_word(const std::string& recorded) { return recorded.substr(0, recorded.find(' ')); }

bool are_transformed(const std::string& recorded) { return algorithms_word(recorded) == kAlgorithmWords.front(); }

}  // namespace loom
