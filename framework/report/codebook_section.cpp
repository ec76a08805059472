#include "report/codebook_section.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "document/rewrite.h"
#include "report/chart.h"
#include "report/readable.h"
#include "train/codebook_health.h"

namespace loom::report {
namespace {

struct CodebookUse {
  std::string path;
  std::vector<std::int64_t> counts;  // positions of each code
};

// The counts of the last evaluation, as the recorder stored them; empty if the text is something else.
std::vector<CodebookUse> read_uses(const std::string& evaluation) {
  std::vector<CodebookUse> uses;
  const auto json = nlohmann::ordered_json::parse(evaluation, nullptr, false);
  if (!json.is_object() || !json.contains("quantizers") || !json["quantizers"].is_object()) return uses;
  for (const auto& [path, quantizer] : json["quantizers"].items()) {
    const auto counts = quantizer.find("counts");
    const bool good = counts != quantizer.end() && counts->is_array() &&
                      std::ranges::all_of(*counts, [](const auto& one) { return one.is_number_unsigned(); });
    if (good) uses.push_back({path, counts->template get<std::vector<std::int64_t>>()});
  }
  return uses;
}

std::string use_chart(const CodebookUse& use) {
  std::vector<double> counts(use.counts.begin(), use.counts.end());
  std::ranges::sort(counts, std::greater());
  return fmt::format(
      "<figure>{}<figcaption>frequency of each code in the last evaluation, most used first: "
      "{} positions, {} of {} codes</figcaption></figure>\n",
      bar_chart(use.path + ": usage of the codes", counts),
      grouped(std::accumulate(use.counts.begin(), use.counts.end(), std::int64_t{0})),
      std::ranges::count_if(counts, [](double count) { return count > 0; }), counts.size());
}

// For codes that the evaluation did not use: batches since training used them.
std::string age_chart(const CodebookUse& use, std::span<const float> unused_for) {
  std::vector<double> ages;
  for (std::size_t k = 0; k < use.counts.size() && k < unused_for.size(); ++k)
    if (use.counts[k] == 0) ages.push_back(static_cast<double>(unused_for[k]));
  if (ages.empty()) return "";
  std::ranges::sort(ages, std::greater());
  return fmt::format(
      "<figure>{}<figcaption>training batches since each of the {} unused codes was last used, "
      "at the weights shown: maximum {:.0f}, median {:.0f}</figcaption></figure>\n",
      bar_chart(use.path + ": age of the dead codes, batches", ages), ages.size(), ages.front(), ages[ages.size() / 2]);
}

}  // namespace

std::string codebook_section(const ModelSource& model, Metrics& metrics) {
  const std::vector<CodebookUse> uses = read_uses(metrics.info("evaluation").value_or(""));
  if (uses.empty()) return "";
  const auto graph = build_checked(model.document().nodes, model.registry());
  const auto store = model.parameters(*graph);
  const std::vector<QuantizerStates> states = find_quantizer_states(*graph, *store);
  std::string out = "<h2>Codes</h2>\n<div class=\"charts\">\n";
  for (const CodebookUse& use : uses) {
    out += use_chart(use);
    const auto own = std::ranges::find(states, use.path, &QuantizerStates::path);
    if (own != states.end()) out += age_chart(use, store->at(own->unused_for).value.values());
  }
  return out + "</div>\n";
}

}  // namespace loom::report
