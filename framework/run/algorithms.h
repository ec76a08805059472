// The algorithms of a training job as its run records them: which ones, and which table chose them. Another table gives
// other bits.
//   "direct"                 those of programs without gradients alone
//   "transformed 1f2e3d4c"   those that round differently, too, where a measured table says that they are faster
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

namespace loom {

inline const std::vector<std::string> kAlgorithmWords = {"transformed", "direct"};  // the first one is the default

// One of the words, as this program records it; "": the default. What was recorded stays as it is.
// Throws unknown_word for any other word.
std::string recorded_algorithms(const std::string& word);
// The word of what was recorded.
std::string algorithms_word(const std::string& recorded);
bool are_transformed(const std::string& recorded);

}  // namespace loom
