// What the use of a codebook says, in a sentence, and which options a graph could still use against low use.
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

#include "measure/codebook.h"

namespace loom::measure {

// Fewer used than this share of the codes is low.
inline constexpr double kLowUse = 0.5;
bool is_low(const CodebookUse& use);

// "37 of 512 codes are used, perplexity 12.3".
std::string sentence(const CodebookUse& use);

// Options that the quantizer declares and does not use, as they would be written.
std::vector<std::string> remedies(const Graph& graph, const CodebookUse& use);

// The sentence of every quantizer, with its path where there are several, and the remedies where use is low.
std::vector<std::string> findings(const Graph& graph, const std::vector<CodebookUse>& uses);

// A CodebookWatch that leaves the findings, one a line, as the note "codebook".
class CodebookReporter : public CodebookWatch {
 public:
  explicit CodebookReporter(const Graph& graph) : CodebookWatch(graph), graph_(graph) {}
  WatchedFigures finish(Executor& executor) override;

 private:
  const Graph& graph_;
};

}  // namespace loom::measure
