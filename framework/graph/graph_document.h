// The untyped graph: the flattened contents of a document, with a source position for every word. The document layer
// makes it, and the graph layer checks it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loom/error.h"
#include "loom/options.h"

namespace loom {

// "encoder/conv1.y": a node's path and a port ("" is the node's first output).
struct Reference {
  std::string node;
  std::string port;
  Location where;
  bool reported = false;  // it leads nowhere and is already reported

  std::string text() const { return port.empty() ? node : node + "." + port; }
};

struct InputEntry {
  std::string port;                // "" for `in: x`: the first input, or the variadic one
  std::vector<Reference> sources;  // more than one only for a variadic input
  Location where;
  bool inherited = false;  // as of an option
};

struct OptionEntry {
  OptionValue value;  // empty: it was invalid, and a diagnostic has reported it
  Location where;
  Location name_where = {};
  std::map<std::string, Location> members = {};  // of a map: where the values of its keys stand
  bool inherited = false;  // a parent gave it to another type: dropped where this type does not know it
};

enum class When { always, training, evaluation };

// A registered type and its options, as a document names them: {type: adam, beta1: 0.9}.
struct TypedEntry {
  std::string type;  // "" if the document has none
  std::map<std::string, OptionEntry> options;
  Location where, type_where;
};

// `average: {of: encoder, decay: 0.999}`: parameters and states that follow those of another node.
struct AverageEntry {
  std::string of;        // path of the node; "" for none
  double decay = 0.999;  // value += (1 - decay) (followed - value) after each step
  Location where = {};
};

struct ScanEntry;

struct NodeEntry {
  std::string path;  // "encoder/conv1"
  std::string type;  // "": it could not be read, and a diagnostic has reported it
  Location where, type_where;
  std::map<std::string, OptionEntry> options;
  std::vector<InputEntry> inputs;
  std::string weights;  // path of the node whose parameters it uses; "" for its own
  Location weights_where;
  AverageEntry average = {};
  std::map<std::string, TypedEntry> init = {};  // rules of initial values (initial_values.h), by parameter
  When when = When::always;                     // in the other mode, a node passes its first input through
  bool frozen = false;                          // its parameters are not trained
  bool full_precision = false;                  // it computes in f32 where others compute in bf16
  std::int64_t rows = 1;                        // rows of the batch axis per sample, of a node without inputs
  bool replaces_port = false;                   // a draw, or an input for values from outside (document/rewrite.h)
  std::shared_ptr<const ScanEntry> scan = {};   // of type "scan": the part that it applies in each step
};

// The part of a scan. Paths, sources and weights of its nodes are names within it; its inputs are among the sources.
struct ScanEntry {
  enum class Kind { each, whole, state };  // a value for each step; the same in all steps; what the step before left
  struct Input {
    std::string name;
    Kind kind = Kind::each;
    Location where = {};
  };
  struct Output {
    std::string name;
    Reference source;
    Location where = {};
  };
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  std::vector<NodeEntry> nodes;
};

// The data set of a document, or of --data.
using DataEntry = TypedEntry;

// A number over the steps of training: constant, or of a registered schedule.
struct ScheduleEntry {
  double number = 0;    // if there is no type
  TypedEntry schedule;  // type "": constant

  bool is_constant() const { return schedule.type.empty(); }
  static ScheduleEntry constant(double value) { return {value, {}}; }
};

struct OptimizerEntry : TypedEntry {
  ScheduleEntry learning_rate = ScheduleEntry::constant(1e-3);

  OptimizerEntry() { type = "adam"; }
};

// A plugin library that a document requests by name; it is searched for in the folders of the search path.
struct PluginEntry {
  std::string name;
  Location where;
};

}  // namespace loom
