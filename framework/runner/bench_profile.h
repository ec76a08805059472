// bench --profile: where the time of a step goes, as a table and as JSON.
//
// Thread safety: one thread.
#pragma once

#include <nlohmann/json.hpp>

#include "run/profile.h"

namespace loom::runner {

// The rows that take most of the time, and the rest in one line.
void print_profile(const Profile& profile);
nlohmann::ordered_json to_json(const Profile& profile);  // every row

}  // namespace loom::runner
