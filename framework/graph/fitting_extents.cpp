#include "graph/fitting_extents.h"

#include <fmt/format.h>

#include "graph/graph.h"

namespace loom {
namespace {

constexpr std::int64_t kLargest = 256;

// The list of an input's extents that can change, or null.
std::vector<OptionValue>* extents_of(NodeEntry& entry) {
  const auto shape = entry.options.find("shape");
  if (entry.type != "input" || shape == entry.options.end()) return nullptr;
  auto* extents = std::get_if<std::vector<OptionValue>>(&shape->second.value);
  return extents != nullptr && extents->size() > 1 ? extents : nullptr;
}

// The entries with the extents at the next multiple, and `more` beyond it; empty where nothing changes.
std::vector<NodeEntry> rounded(std::vector<NodeEntry> entries, std::int64_t multiple, std::int64_t more) {
  bool changed = false;
  for (NodeEntry& entry : entries) {
    std::vector<OptionValue>* extents = extents_of(entry);
    if (extents == nullptr) continue;
    for (std::size_t axis = 0; axis + 1 < extents->size(); ++axis) {
      auto* extent = std::get_if<std::int64_t>(&(*extents)[axis]);
      if (extent == nullptr || *extent < 2 || *extent > (1 << 24)) continue;
      const std::int64_t next = (*extent + multiple - 1) / multiple * multiple;
      changed = changed || next != *extent;
      *extent = next + more;
    }
  }
  return changed ? entries : std::vector<NodeEntry>();
}

bool can_be_built(const std::vector<NodeEntry>& entries, const Registry& registry) {
  Diagnostics findings(1);
  return build_graph(entries, registry, findings) != nullptr && findings.empty();
}

}  // namespace

std::string fitting_extents(const std::vector<NodeEntry>& entries, const Registry& registry) {
  for (std::int64_t multiple = 2; multiple <= kLargest; multiple += multiple < 32 ? 1 : multiple) {
    std::vector<NodeEntry> next = rounded(entries, multiple, 0);
    if (next.empty()) continue;
    const auto fits = [&](std::int64_t more) { return can_be_built(rounded(entries, multiple, more), registry); };
    // Other sizes do not fit, and the multiple after the next does: otherwise the next fits for another reason, such as a
    // constant of that size, or a kernel that larger extents hold.
    if (!fits(0) || fits(1) || !fits(multiple)) continue;
    for (NodeEntry& entry : next) {
      if (const auto* extents = extents_of(entry))
        return fmt::format("extents that are multiples of {} fit: the next is {} of '{}'", multiple,
                           OptionValue(*extents).text(), entry.path);
    }
  }
  return "";
}

}  // namespace loom
