// The options of attention: which keys a query may see, and how positions enter the scores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/node.h"

namespace loom::nodes {

enum class Sight { all, causal, block_causal };  // the keys that the place of a query lets it see
enum class PositionKind { none, rotary, relative };

struct AttentionOptions {
  explicit AttentionOptions(const Options& options);
  static void declare(Contract& c);
  // Checks the options against the shapes, and binds D, the distances of relative positions.
  static void infer(ShapeInference& s);

  // How many keys, from the first on, each of `queries` positions sees under block_causal.
  std::vector<std::int64_t> block_ends(std::int64_t queries) const;
  // The rows of the table of relative positions: distances -distance to distance, of a causal mask -distance to 0.
  std::int64_t distances() const { return sight == Sight::causal ? distance + 1 : 2 * distance + 1; }

  std::int64_t heads = 1;
  Sight sight = Sight::all;
  bool strict = false;
  std::vector<std::int64_t> blocks;  // block_causal: one length for all blocks, or that of each
  PositionKind positions = PositionKind::none;
  double base = 10000;
  std::int64_t rotary_channels = 0;  // of a head; 0: all
  std::int64_t distance = 0;
};

// Inputs `mask` of attention: [N, ...R] is about the keys alone, [N, Q, K] about each query and key.
inline bool masks_each_query(const Shape& mask, std::int64_t queries, std::int64_t keys) {
  return mask.rank() == 3 && mask[1] == queries && mask[2] == keys && mask.count_from(1) != keys;
}

}  // namespace loom::nodes
