// What a model encodes to: what generate.encode shows, else the codes of its quantizers, else the means of its
// posteriors.
//
// Thread safety: functions of their arguments. Errors: usage for an unknown name, bad_fetch, those of the
// graph and of the data.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "generate/model_source.h"
#include "run/executor.h"

namespace loom {

struct Encodings {
  std::shared_ptr<const Graph> graph;
  std::vector<Port> ports;  // none only from find_encodings()

  std::vector<std::string> names() const;
  // Of one item at port i. A port with several rows per sample, as the draws of an importance-weighted bound, has them as
  // its first axis: [5, 20] of [5N, 20].
  Shape event(std::size_t i) const;
};

Encodings find_encodings(const ModelSource& model);
// Those of these names; of find_encodings() where there are no names. Throws Error(usage) where there are none.
Encodings require_encodings(const ModelSource& model, const std::vector<std::string>& names);

// What encode gives in place of a latent variable, by the names of both: the mean "q.mu" of the draw "z".
std::map<std::string, std::string> encoded_names(const ModelSource& model);

struct EncodeItems {
  std::shared_ptr<const DataSource> source;
  std::int64_t count = 0;            // only the first ones; 0: all
  std::uint64_t seed = 1;            // of what the graph draws on the way
  std::vector<std::string> columns;  // of the data, beside the ports
};
// Batch after batch, in the order of the source: `begin` is told the number of items, `add` gets port i's rows, or, after
// the ports, those of column i, both in the units of the data where they have one. Returns the items.
std::int64_t encode_items(const ModelSource& model, Executor& executor, const Encodings& encodings,
                          const EncodeItems& items, const std::function<void(std::int64_t items)>& begin,
                          const std::function<void(std::size_t i, const TensorView& rows)>& add);

}  // namespace loom
