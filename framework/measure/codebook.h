// The usage of a quantizer's codes over a whole split, counted in the pass of an evaluation.
//   entropy     -sum_k p_k ln p_k of the share p_k of the positions that have code k                           [nats]
//   perplexity  exp(entropy): the number of equally used codes with the same entropy
//
// Ownership: keeps the counts of a pass until the next one begins; refers to nothing. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "train/evaluation_watch.h"

namespace loom::measure {

// A node of Role::quantizer.
struct Quantizer {
  std::string path;
  Port codes;              // i32
  std::int64_t count = 0;  // number of codes
};
std::vector<Quantizer> find_quantizers(const Graph& graph);

struct CodebookUse {
  std::string path;
  std::vector<std::int64_t> counts;  // per code

  std::int64_t codes() const { return static_cast<std::int64_t>(counts.size()); }
  std::int64_t used() const;
  std::int64_t total() const;
  double entropy() const;  // nats
  double perplexity() const;
};

class CodebookWatch : public EvaluationWatch {
 public:
  explicit CodebookWatch(const Graph& graph);

  std::vector<Port> ports() const override;
  void begin(std::int64_t samples) override;
  void add(std::span<const TensorView> values, std::int64_t samples) override;
  // Curves perplexity and used_codes, prefixed with "PATH." if there are several quantizers; the note "codebook_use",
  // {"PATH": [counts]} as JSON.
  WatchedFigures finish(Executor& executor) override;

  const std::vector<CodebookUse>& uses() const { return uses_; }  // of the last finished pass

 private:
  std::vector<Quantizer> quantizers_;
  std::vector<CodebookUse> uses_;
};

// The contents of the note "codebook_use" that finish() stores; empty if the text is invalid.
std::vector<CodebookUse> read_uses(const std::string& note);

}  // namespace loom::measure
