#include "run/algorithms.h"

#include <algorithm>

#include "dnnl/winograd_choice.h"
#include "loom/error.h"

namespace loom {

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
