// What `generate:` entries do with data and with options; loom::Model samples.
//
// Thread safety: one thread. Errors: those of the graph and of the data. Entries are complete (generate/entry.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "generate/entry.h"
#include "generate/feeds.h"
#include "generate/model_source.h"
#include "generate/pass.h"
#include "loom/tensor.h"
#include "run/executor.h"

namespace loom {

// Options of the nodes that have them. Throws Error(usage) for one that no node has.
void set_options(Rewrite& rewrite, const GenerateEntry& entry, const std::map<std::string, OptionValue>& options);

struct DecodeItems {
  std::int64_t count = 0;                           // only the first ones; 0: all
  std::uint64_t seed = 1;                           // of what the graph draws on the way
  std::map<std::string, OptionValue> options = {};  // of the nodes that draw, as of set_options()
  bool incremental = true;
};
// What a fed entry shows of the values that `read` finds for its ports, one feed a port: [items, ...].
Tensor decode(const ModelSource& model, Executor& executor, const GenerateEntry& entry, const DecodeItems& items,
              const std::function<std::vector<Feed>(const Graph&, const std::vector<Port>&)>& read);

struct Reconstructions {
  Tensor originals;        // [n, ...]: what goes into the likelihood, or the first input
  Tensor reconstructions;  // [n, ...]: what the entry shows
  Tensor mask = {};        // of the originals, in their shape: 1 where a value is there; no axes: all are
};
// Of the first `count` items of a split.
Reconstructions reconstruct(const ModelSource& model, Executor& executor, const GenerateEntry& entry,
                            const DataEntry& data, const std::string& split, std::int64_t count, std::uint64_t seed,
                            const std::map<std::string, OptionValue>& options = {});

}  // namespace loom
