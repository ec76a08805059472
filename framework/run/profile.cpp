#include "run/profile.h"

#include <algorithm>
#include <map>
#include <utility>

namespace loom {
namespace {

constexpr double kNanosecond = 1e-9;

using Key = std::pair<std::string, std::string>;  // category, path

Key profile_key(const Trace::Span& span) { return {span.name->category, span.name->text}; }

// The spans of one thread lie in each other or side by side: the time that any of them covers.
double covered(std::vector<std::pair<std::int64_t, std::int64_t>> spans) {
  std::ranges::sort(spans);
  std::int64_t total = 0, reached = 0;
  for (const auto& [begin, end] : spans) {
    total += std::max<std::int64_t>(0, end - std::max(begin, reached));
    reached = std::max(reached, end);
  }
  return static_cast<double>(total) * kNanosecond;
}

double busy_seconds(const Trace& trace) {
  std::map<int, std::vector<std::pair<std::int64_t, std::int64_t>>> of_thread;
  for (const Trace::Span& span : trace.spans()) of_thread[span.thread].emplace_back(span.begin, span.end);
  double total = 0;
  for (const auto& [thread, spans] : of_thread) total += covered(spans);
  return total;
}

}  // namespace

Profile Profile::of(const Trace& trace, const std::vector<StepWork>& work, double wall_seconds, std::int64_t steps,
                    int threads) {
  // A span that has parts waits for them: the parts count.
  std::map<Key, bool> has_parts;
  for (const Trace::Span& span : trace.spans()) has_parts[profile_key(span)] |= span.is_part;
  std::map<Key, ProfileRow> rows;
  const double per_step = 1.0 / static_cast<double>(std::max<std::int64_t>(1, steps));
  double total = 0;
  for (const Trace::Span& span : trace.spans()) {
    const Key key = profile_key(span);
    ProfileRow& row = rows[key];
    if (!span.is_part) row.calls += per_step;
    if (span.is_part != has_parts.at(key)) continue;
    const double seconds = static_cast<double>(span.end - span.begin) * kNanosecond * per_step;
    row.seconds += seconds;
    total += seconds;
  }
  for (const StepWork& step : work) {
    const auto it = rows.find({step.category, step.path});
    if (it == rows.end()) continue;
    it->second.flop += step.flop;
    it->second.bytes += step.bytes;
    it->second.implementation = step.implementation;
  }
  Profile profile;
  profile.seconds = wall_seconds * per_step;
  profile.dropped = trace.dropped();
  if (wall_seconds > 0) profile.idle = std::max(0.0, 1 - busy_seconds(trace) / (wall_seconds * threads));
  for (auto& [key, row] : rows) {
    row.category = key.first;
    row.path = key.second;
    row.share = total > 0 ? row.seconds / total : 0;
    profile.rows.push_back(std::move(row));
  }
  std::ranges::stable_sort(profile.rows, std::greater(), &ProfileRow::seconds);
  return profile;
}

}  // namespace loom
