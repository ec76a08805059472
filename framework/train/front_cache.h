// The outputs of frozen nodes (frozen_front.h), computed once per split, kept on disk, and read instead of the data: a
// prior over the codes of an autoencoder never runs its encoder again.
//
// In the folder, each frontier port of each split has SPLIT.PORT.KEY.npy and, written last, a .json with its
// checksum. KEY is a hash of the nodes that the port is computed from, their weights, the data set and its content,
// and the program's version. A stale file is therefore not found, and it is removed when its successor is written. A
// file whose checksum does not match is made again. Small columns of the data that are still read (labels) are kept
// next to the ports, so that the data itself is not decoded for them. Files are written batch by batch and read by
// mapping, so they may exceed the memory.
//
// Nothing is kept if the folder is "", cannot be written to or has too little space (more than half of the free space
// would be used), or if the data is drawn again at every read.
//
// Ownership: FrontFeeds is a value. Thread safety: one thread; several processes may share a folder.
// Errors: those of plan_feeds(), Batches and Program; write_failed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/batches.h"
#include "run/bound_graph.h"
#include "train/feeds.h"

namespace loom {

struct FrontFeeds {
  std::vector<Port> ports;            // ProgramRequest::feeds: the inputs that are read as data, then the frontier
  FeedPlan direct;                    // the former
  std::vector<Port> front;            // the latter
  std::vector<ColumnRequest> stored;  // of the frontier
  FeedPlan behind;                    // the inputs that the frontier is computed from

  std::vector<ColumnRequest> requests() const;  // of Batches, in the order of `ports`
};

// How `wanted` ports are fed. A function of the graph and of what is frozen, not of the weights' values.
FrontFeeds plan_front_feeds(const Graph& graph, const ParameterStore& store, std::span<const Port> wanted,
                            bool training, const DataSource& source, const std::string& folder);
// Whether the data fits the graph; throws as Batches does.
void check_requests(const FrontFeeds& feeds, const std::shared_ptr<const DataSource>& source);
// The data to read these feeds from: `source`, or what the cache has, which is made where it has nothing. Says on the
// log what is computed and how large it is. `data` is what `source` was opened with.
std::shared_ptr<const DataSource> open_front(const FrontFeeds& feeds, const BoundGraph& graph,
                                             const std::shared_ptr<const DataSource>& source, const DataEntry& data,
                                             const std::string& folder);

}  // namespace loom
