// What the shown ports of an entry of `generate` are computed from, and that nothing gives yet: latent variables, codes, data.
//
// Ownership: refers to everything that it is made of. Thread safety: one thread. Errors: none of its own.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "train/generative.h"

namespace loom {

// What is known of a model before an entry is looked at.
struct GenerativeModel {
  const Document& document;
  const Graph& graph;  // as the document writes it
  std::vector<Observation> observations;
  std::map<Port, std::vector<NodeEntry>> prior_draws;
};

// What is given beside the entry, and what it may take over from another.
struct EntryContext {
  bool data = false;                    // the inputs are fed by data
  bool labels = true;                   // classes are drawn where no data feeds them
  const GenerateEntry* like = nullptr;  // an entry that says how values are drawn, for one that is fed; null: none
};

struct Missing {
  enum class What {
    latent,            // drawn from its prior
    codes,             // a quantizer's vectors, which are looked up
    codes_alone,       // codes without a prior
    target,            // of an observation
    label,             // an input of a class
    stated,            // drawn by `like`
    stated_in_turn,    // filled position by position by `like`
    stated_iteration,  // computed by iteration by `like`
    input,             // nothing draws it
  };
  What what;
  Port port;              // of GenerativeModel::graph
  std::size_t place = 0;  // of the observation, or in `like`
};

class EntryWalk {
 public:
  // `graph`: of the model, with what the entry has so far. Ports of it that have values: `given` from outside, `filled`
  // position by position, after everything else: a latent variable that is computed from these is drawn from its prior.
  EntryWalk(const GenerativeModel& model, const EntryContext& context, const Graph& graph, std::vector<Port> given,
            std::vector<Port> filled)
      : model_(model), context_(context), graph_(graph), given_(std::move(given)), filled_(std::move(filled)) {}

  void from(Port port);

  // Each once: latent variables, codes and draws in the order of the document, then inputs in that order.
  std::vector<Missing> missing() const;
  bool reaches_target(std::size_t observation) const;
  // Samplers without a prior and quantizers on the way, by their nodes in the model's graph; fed ports that were reached.
  const std::set<int>& latents() const { return latents_; }
  bool reached_known() const { return reached_known_; }

 private:
  bool is_known(Port port) const;
  Port in_model(Port port) const;
  bool depends_on_data(Port port) const;
  bool visit(Port named, Port port);
  bool visit_stated(Port port);
  bool visit_target(Port here);
  void visit_input(Port own);
  void follow(const NodeEntry& draw);
  void add(Missing::What what, Port port, std::size_t place = 0);

  const GenerativeModel& model_;
  const EntryContext& context_;
  const Graph& graph_;
  std::vector<Port> given_, filled_;
  std::vector<Port> open_;
  std::set<Port> seen_;
  std::set<int> latents_;
  std::vector<Missing> missing_;
  bool reached_known_ = false;
};

// The number of classes that an input of one code has by what reads it; 0 where that is not known.
std::int64_t classes_of(const Graph& graph, int input);

}  // namespace loom
