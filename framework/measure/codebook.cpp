#include "measure/codebook.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace loom::measure {

std::vector<Quantizer> find_quantizers(const Graph& graph) {
  std::vector<Quantizer> found;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    const int codes = node.contract().output_index("codes");
    if (node.contract().role() != Role::quantizer || codes < 0) continue;
    for (const GraphParameter& state : node.states) {  // one value a code
      if (node.contract().states()[static_cast<std::size_t>(state.declaration)].name == "unused_for")
        found.push_back({node.path, {i, codes}, state.shape.count()});
    }
  }
  return found;
}

std::int64_t CodebookUse::used() const {
  return std::ranges::count_if(counts, [](std::int64_t count) { return count > 0; });
}

std::int64_t CodebookUse::total() const { return std::accumulate(counts.begin(), counts.end(), std::int64_t{0}); }

double CodebookUse::entropy() const {
  const auto all = static_cast<double>(total());
  double sum = 0;
  for (const std::int64_t count : counts) {
    const double share = static_cast<double>(count) / all;
    if (count > 0) sum -= share * std::log(share);
  }
  return sum;
}

double CodebookUse::perplexity() const { return std::exp(entropy()); }

CodebookWatch::CodebookWatch(const Graph& graph) : quantizers_(find_quantizers(graph)) {}

std::vector<Port> CodebookWatch::ports() const {
  std::vector<Port> ports;
  for (const Quantizer& quantizer : quantizers_) ports.push_back(quantizer.codes);
  return ports;
}

void CodebookWatch::begin(std::int64_t) {
  uses_.clear();
  for (const Quantizer& quantizer : quantizers_)
    uses_.push_back({quantizer.path, std::vector<std::int64_t>(static_cast<std::size_t>(quantizer.count))});
}

void CodebookWatch::add(std::span<const TensorView> values, std::int64_t) {
  for (std::size_t q = 0; q < uses_.size(); ++q) {
    for (const std::int32_t code : values[q].values<std::int32_t>()) ++uses_[q].counts[static_cast<std::size_t>(code)];
  }
}

WatchedFigures CodebookWatch::finish(Executor&) {
  WatchedFigures figures;
  nlohmann::ordered_json note = nlohmann::ordered_json::object();
  for (const CodebookUse& use : uses_) {
    const std::string prefix = uses_.size() > 1 ? use.path + "." : "";
    figures.curves.emplace_back(prefix + "perplexity", use.perplexity());
    figures.curves.emplace_back(prefix + "used_codes", static_cast<double>(use.used()));
    note[use.path] = use.counts;
  }
  if (!uses_.empty()) figures.notes.emplace_back("codebook_use", note.dump());
  return figures;
}

std::vector<CodebookUse> read_uses(const std::string& note) {
  std::vector<CodebookUse> uses;
  const auto json = nlohmann::ordered_json::parse(note, nullptr, false);
  if (!json.is_object()) return uses;
  for (const auto& [path, counts] : json.items()) {
    const bool good = counts.is_array() && std::ranges::all_of(counts, [](const auto& one) {
                        return one.is_number_integer() && one.template get<std::int64_t>() >= 0;
                      });
    if (good) uses.push_back({path, counts.template get<std::vector<std::int64_t>>()});
  }
  return uses;
}

}  // namespace loom::measure
