// The algorithms of a training job as its run records them: which ones, and which table chose them. Another table gives
// other bits.
//   "direct"                 those of programs without gradients alone
//   "transformed 1f2e3d4c"   those that round differently, too, where a measured table says that they are faster
//
// and the precision that it computes in.
//
// Thread safety: functions of their arguments.
#pragma once

#include <string>
#include <vector>

namespace loom {

// The precision of a training job: what the operands of products and convolutions are rounded to.
inline const std::vector<std::string> kPrecisionWords = {"f32", "bf16"};  // the first one is the default
inline constexpr const char* kBf16 = "bf16";

// The word; "": the default. Throws unknown_word for any other word.
std::string checked_precision(const std::string& word);
bool has_precision(const std::string& precision);
// Throws not_supported for bf16 on a processor that does not multiply it.
void require_precision(const std::string& precision);

// The instruction set that kernels are made for: another one gives other bits.
std::string instruction_set();

// Of the kernels' arithmetic: a version that gives a job other bits has another one. 2 changed bf16, sums over the batch and
// learned tensors; 3 the exponential functions and the sums of rows; 4 the tiles of attention; 5 bf16 on processors without
// AMX.
inline constexpr int kArithmetic = 5;
inline constexpr int kUnrecordedArithmetic = 1;  // of a checkpoint that does not say it

// How the sums of lanes are added (run/reduce.h).
inline constexpr const char* kSums = "tree";
// Of a checkpoint that does not say it: its version added one lane after another, which differs from four lanes on.
inline constexpr const char* unrecorded_sums(int lanes) { return lanes < 4 ? kSums : "in order"; }

inline const std::vector<std::string> kAlgorithmWords = {"transformed", "direct"};  // the first one is the default

// One of the words, as this program records it; "": the default. What was recorded stays as it is.
// Throws unknown_word for any other word.
std::string recorded_algorithms(const std::string& word);
// The word of what was recorded.
std::string algorithms_word(const std::string& recorded);
bool are_transformed(const std::string& recorded);

}  // namespace loom
