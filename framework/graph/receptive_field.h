// How far the values of a port reach into the sequences that a graph is fed with: a recording, whose positions are the first
// axis of its event. Where every node on the way declares its window (Contract::reads_window, pointwise), a part of the
// output depends on a part of the input, and a long sequence can be computed in pieces. As in evaluation.
//
// A piece [a, b) of the inputs gives, at output positions [p up / down, q up / down), what the whole sequence gives there,
// if a is 0 or at most p - before(), b is the end or at least q + after(), a and p are multiples of alignment(), q is one
// or the end, and the sequence is longer than b by a multiple of alignment(): so the padding of nodes inside of the piece is
// nowhere read, or is that of the whole.
//
// Ownership: a value; does not keep the graph. Thread safety: constant once made. Errors: none; what is not local says why.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace loom {

// Positions of a sequence, both ends included.
struct Positions {
  std::int64_t first = 0, last = 0;
  bool operator==(const Positions&) const = default;
};

class ReceptiveField {
 public:
  // `inputs`: the fed ports whose first event axis is that of the sequence; they have as many positions each.
  ReceptiveField(const Graph& graph, std::span<const Port> inputs, Port output);

  bool is_local() const { return obstacle_.empty(); }
  // Why it is not, of the node nearest to the output: "the node 'a' (attention) may read all positions"; "" if it is.
  const std::string& obstacle() const { return obstacle_; }

  // The rest holds where it is local.
  std::int64_t up() const { return up_; }  // output positions for `down` input positions, without a common factor
  std::int64_t down() const { return down_; }
  std::int64_t alignment() const { return alignment_; }  // in input positions
  std::int64_t before() const { return before_; }        // in input positions, at least 0
  std::int64_t after() const { return after_; }
  // Whether rates, alignment and context are the same, as they are of one model at two lengths unless an option counts
  // positions.
  bool is_like(const ReceptiveField& other) const {
    return is_local() && other.is_local() && up_ == other.up_ && down_ == other.down_ &&
           alignment_ == other.alignment_ && before_ == other.before_ && after_ == other.after_;
  }
  // The input positions that any of these output positions may depend on, also beyond the ends.
  Positions reads(Positions outputs) const;
  // Per node of the graph: the position at which its values begin where the inputs begin at `input`, which is aligned; 0 of
  // nodes that are not on the way.
  std::vector<std::int64_t> starts(std::int64_t input) const;
  // What the nodes on the way read beside the sequence: it must be the same for all pieces.
  const std::vector<Port>& constants() const { return constants_; }

 private:
  // A port on the way: it has up positions for down input positions, and `extent` in the graph at hand.
  struct Slot {
    Port port;
    std::int64_t up = 1, down = 1, extent = 0;
    bool is_input = false;
  };
  // Positions of slot `from` read those of slot `to`.
  struct Edge {
    int from, to;
    TimeWindow window;
  };

  void find_timed(const Graph& graph);
  void find_slots(const Graph& graph, Port output);
  int slot_of(const Graph& graph, Port port);
  void follow(const Graph& graph, int slot);
  void follow_input(const Graph& graph, int slot, int input);
  void stop(const GraphNode& node, const std::string& why);
  void settle_rates(const Graph& graph);
  void settle_context();
  std::vector<Positions> spread(Positions outputs) const;  // per slot

  std::vector<Port> inputs_, constants_;
  std::vector<bool> timed_;  // per node: whether its values follow the sequence
  std::vector<Slot> slots_;  // the first is the output's
  std::vector<Edge> edges_;  // of readers before those of what they read
  std::map<Port, int> slot_;
  int nodes_ = 0;
  std::string obstacle_;
  std::int64_t up_ = 1, down_ = 1, alignment_ = 1, before_ = 0, after_ = 0;
};

}  // namespace loom
