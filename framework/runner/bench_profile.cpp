#include "runner/bench_profile.h"

#include <fmt/format.h>

#include "runner/console.h"

namespace loom::runner {
namespace {

constexpr std::size_t kRows = 25;

std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? fmt::format("{:.1f}", amount / seconds / 1e9) : "";
}

}  // namespace

void print_profile(const Profile& profile) {
  std::size_t width = 4;
  const std::size_t shown = std::min(kRows, profile.rows.size());
  for (std::size_t i = 0; i < shown; ++i) width = std::max(width, profile.rows[i].path.size());
  print("\n  {:<16}  {:<{}} {:>9} {:>6} {:>7} {:>8} {:>7} {:>9}  {}\n", "pass", "node", width, "ms/step", "share",
        "calls", "GFLOP/s", "GB/s", "MB", "computed by");
  double rest = 0;
  for (std::size_t i = 0; i < profile.rows.size(); ++i) {
    const ProfileRow& row = profile.rows[i];
    if (i >= kRows) {
      rest += row.seconds;
      continue;
    }
    print("  {:<16}  {:<{}} {:>9.3f} {:>5.1f}% {:>7.1f} {:>8} {:>7} {:>9}  {}\n", row.category, row.path, width,
          1e3 * row.seconds, 1e2 * row.share, row.calls, rate(row.flop, row.seconds), rate(row.bytes, row.seconds),
          row.bytes > 0 ? fmt::format("{:.2f}", row.bytes / 1e6) : "", row.implementation);
  }
  if (rest > 0)
    print("  {:<16}  {:<{}} {:>9.3f}\n", "other", fmt::format("{} more", profile.rows.size() - kRows), width,
          1e3 * rest);
  print("  a step takes {:.3f} ms; the threads are idle for {:.1f} % of it\n", 1e3 * profile.seconds,
        1e2 * profile.idle);
  if (profile.dropped > 0) print("  {} spans were dropped: fewer --steps show all of them\n", profile.dropped);
}

nlohmann::ordered_json to_json(const Profile& profile) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const ProfileRow& row : profile.rows) {
    rows.push_back({{"pass", row.category},
                    {"node", row.path},
                    {"ms", 1e3 * row.seconds},
                    {"share", row.share},
                    {"calls", row.calls},
                    {"gflop", row.flop / 1e9},
                    {"bytes", row.bytes},
                    {"implementation", row.implementation}});
  }
  return {{"rows", rows}, {"ms_per_step", 1e3 * profile.seconds}, {"idle", profile.idle}, {"dropped", profile.dropped}};
}

}  // namespace loom::runner
