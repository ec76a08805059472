// Values from outside for ports of a graph: made to fit the ports, or refused with what was got and what was expected.
//
// Thread safety: functions of their arguments. Errors: bad_feed.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/source.h"
#include "document/rewrite.h"
#include "loom/tensor.h"

namespace loom {

// Values and the port they are for.
struct Feed {
  std::string option;      // in messages: "--feed z.noise"
  std::string name, file;  // file "": from a program
  Tensor values;           // its own, or
  Port port;               // in the graph that runs
  TensorView given = {};   // those of another owner, which are only read

  TensorView view() const { return given.empty() ? values.view() : given; }
};

// Where each value goes, by Feed::name: output ports are fed, input ports ("z.noise") get an input node of their own.
// Sets the ports; returns the graph that they are of.
std::shared_ptr<const Graph> place_feeds(Rewrite& rewrite, std::vector<Feed>& feeds);

Error bad_feed(const Feed& feed, std::string message, std::string got, std::string expected);

// Types and shapes as the ports want them, one view a feed; an event of the same count is seen as the port's. Returns
// the samples, the same for all feeds; 1 without a feed. Views are of the feeds' own values.
std::int64_t fit_feeds(const Graph& graph, std::vector<Feed>& feeds, std::vector<TensorView>& views);

// Throws Error(out_of_range) for the first value that a node does not accept, by the ranges of accepted_ranges(). A target
// with a mask is left to its node.
void check_values(const std::vector<Feed>& feeds, const std::vector<TensorView>& views,
                  const std::map<int, std::vector<ValueRange>>& ranges);

}  // namespace loom
