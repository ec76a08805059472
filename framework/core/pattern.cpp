#include "core/pattern.h"

#include <algorithm>

namespace loom {

bool matches_pattern(std::string_view pattern, std::string_view path) {
  if (pattern.find_first_of("*?") == std::string_view::npos) {
    return path.starts_with(pattern) &&
           (path.size() == pattern.size() || path[pattern.size()] == '/' || path[pattern.size()] == '.');
  }
  std::size_t p = 0, s = 0, star = std::string_view::npos, resume = 0;
  while (s < path.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = s;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == path[s])) {
      ++p;
      ++s;
    } else if (star != std::string_view::npos) {  // the last star matches one more character
      p = star + 1;
      s = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view path) {
  bool some = false, included = false;
  for (const std::string_view pattern : patterns) {
    const bool excludes = is_exclusion(pattern);
    const bool matched = matches_pattern(excludes ? pattern.substr(1) : pattern, path);
    if (excludes && matched) return false;
    some = some || !excludes;
    included = included || (!excludes && matched);
  }
  return included || !some;
}

}  // namespace loom
