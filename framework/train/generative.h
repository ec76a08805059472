// The generative half of a model, as its losses and the declarations of their nodes say it: what each value that is not
// computed from others is drawn from. Likelihoods give the data and, as priors, the codes of quantizers; divergences give the
// latent variables.
//
// Ownership: values; ports belong to the graph. Thread safety: values. Errors: none of their own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "document/document.h"
#include "graph/graph.h"
#include "train/evidence.h"

namespace loom {

// A loss of what is observed: its node declares a mean, or what draws.
struct Observation {
  std::string loss;
  int node = -1;
  Port target;
  bool is_codes = false;       // a prior: the target is computed from codes of a quantizer
  Port mean = {}, drawn = {};  // as the document says; invalid: as the node declares
};

// Of the likelihoods of data and the priors of codes; of a graph without a likelihood of data, the errors that have a mean
// (squared_error). In the order of the losses.
std::vector<Observation> find_observations(const Graph& graph, const std::vector<LossTerm>& terms,
                                           const Evidence& evidence);

// The mean of its distribution, as a port, or as the node that has to be added under `path`. A draw, likewise: a node that
// the graph has is used, since the document may have set its options. Neither: there is none.
struct Shown {
  Port port;
  NodeEntry added;
  bool exists() const { return port.valid() || !added.type.empty(); }
};
Shown mean_of(const Graph& graph, const Observation& observation, const std::string& path);
Shown draw_of(const Graph& graph, const Observation& observation, const std::string& path);
// What draws the target, as a node of an entry: without a path. No type: nothing draws it.
NodeEntry drawing_entry(const Document& document, const Graph& graph, const Observation& observation);

// What takes the place of a port to draw from its prior: an entry without a path. A prior node that computes the density of
// the port draws it where its input z is not connected; otherwise the divergence of a sampler says what draws. More than one:
// the losses say different things.
std::map<Port, std::vector<NodeEntry>> find_prior_draws(const Document& document, const Graph& graph,
                                                        const Evidence& evidence);

}  // namespace loom
