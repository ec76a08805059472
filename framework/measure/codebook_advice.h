// A sentence that summarises the usage of a codebook, and the options that a graph could still use against low usage.
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

#include "measure/codebook.h"

namespace loom::measure {

// Usage below this share of the codes is low.
inline constexpr double kLowUse = 0.5;
bool is_low(const CodebookUse& use);

// "37 of 512 codes are used, perplexity 12.3".
std::string sentence(const CodebookUse& use);

// Options that the quantizer declares and does not use, as they would be written in a document.
std::vector<std::string> remedies(const Graph& graph, const CodebookUse& use);

// The sentence for every quantizer, with its path if there are several, and the remedies if usage is low.
std::vector<std::string> findings(const Graph& graph, const std::vector<CodebookUse>& uses);

// A CodebookWatch that stores its sentences, one per line, as the note "codebook".
class CodebookReporter : public CodebookWatch {
 public:
  explicit CodebookReporter(const Graph& graph) : CodebookWatch(graph), graph_(graph) {}
  WatchedFigures finish(Executor& executor) override;

 private:
  const Graph& graph_;
};

}  // namespace loom::measure
