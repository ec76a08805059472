// Values from files for ports of a graph: fitted to the ports, or refused with what was found and what was expected.
//
// Thread safety: functions of their arguments. Errors: bad_feed.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "loom/tensor.h"

namespace loom::runner {

// A file and the port it is for.
struct Feed {
  std::string option;  // in messages: "--feed z.noise"
  std::string name, file;
  Tensor values;
  Port port;  // in the graph that runs
};

Error bad_feed(const Feed& feed, std::string message, std::string got, std::string expected);

// Types and shapes as the ports want them, one view a feed; an event of the same count is seen as the port's. Returns
// the samples, which all files must have as many of; 1 where there is no file.
std::int64_t fit_feeds(const Graph& graph, std::vector<Feed>& feeds, std::vector<TensorView>& views);

}  // namespace loom::runner
