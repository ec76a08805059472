// Patterns over paths, as in `parameters: ["encoder/*", "!encoder/norm*"]`.
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loom {

// `*` stands for any run of characters, '/' too, and `?` for one. A pattern without either also matches everything
// below a node or folder of that name: "encoder" matches "encoder/conv1.weight", "q" matches "q.bias".
bool matches_pattern(std::string_view pattern, std::string_view path);

inline bool is_exclusion(std::string_view pattern) { return pattern.starts_with('!'); }
// Whether some pattern matches and none of those that begin with `!` does. Without a pattern, or with exclusions alone,
// every other path matches.
bool matches_any(const std::vector<std::string>& patterns, std::string_view path);

}  // namespace loom
