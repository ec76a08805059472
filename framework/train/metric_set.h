// The metrics of a graph that an evaluation computes in its own pass: those that measure posteriors and quantizers.
// And metrics of whole tensors, which a measurement makes itself.
//
// Ownership: refers to the graph and the store. Thread safety: one thread. Errors: E118 for an unknown metric of a
// document, those of its options.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "document/document.h"
#include "graph/graph.h"
#include "loom/metric.h"
#include "run/parameter_store.h"
#include "train/posterior.h"

namespace loom {

// A registered metric with its options.
struct ChosenMetric {
  std::shared_ptr<const MetricType> type;
  Options options;
};

// The metrics of a registry that a document does not turn off; left out where an option is required and not given.
std::vector<ChosenMetric> choose_metrics(const Document& document, const Registry& registry, Diagnostics& diagnostics);

// Options of a metric of quantizers: codes that no node of this role makes, such as those of formulas, and how many there are.
inline constexpr const char *kCodePorts = "ports", *kCodeSizes = "size";
// Whether these ports are there, and have codes.
void check_code_ports(const Document& document, const std::vector<ChosenMetric>& metrics, const Graph& graph,
                      Diagnostics& diagnostics);

class MetricSet {
 public:
  MetricSet(const std::vector<ChosenMetric>& metrics, const Graph& graph, const ParameterStore& store,
            const std::vector<LossTerm>& terms);

  const std::vector<Port>& ports() const { return ports_; }
  void begin(MetricPass pass);
  // Values of the ports for the next samples, [samples, ...] each.
  void add(std::span<const TensorView> values);
  std::vector<MetricValue> finish(const std::string& split);

 private:
  struct Source {
    int port = -1;   // index into ports_
    int state = -1;  // index into the store
  };
  struct Item {
    const ChosenMetric* chosen;
    std::string subject;
    bool fixed_prior;
    std::vector<Source> sources;  // in the order of the contract's inputs
    Options options;              // of the metric; of several ports, for one of them
    std::unique_ptr<Metric> metric;
  };
  void bind(const ChosenMetric& chosen, const Graph& graph, int node, std::string subject, bool fixed_prior);
  void bind_codes(const ChosenMetric& chosen, const Graph& graph);
  Source source_of(Port port);
  Source find(const GraphNode& node, int index, const std::string& name);

  std::vector<ChosenMetric> metrics_;
  const ParameterStore& store_;
  std::vector<Port> ports_;
  std::vector<Item> items_;
};

// What one metric gives for whole tensors, by the names of its inputs. Nothing if an input that it needs is missing.
std::vector<MetricValue> measure_tensors(const ChosenMetric& chosen, const std::map<std::string, TensorView>& inputs,
                                         MetricPass pass, const std::string& subject, const std::string& split);

// A metric's results with their declarations.
std::vector<MetricValue> described(const Contract& contract, std::vector<MetricResult> results,
                                   const std::string& subject, const std::string& split);

// The value of a key; null if it is not among them or not defined. `subject`: "" for the first with this key.
const MetricValue* find_value(const std::vector<MetricValue>& values, const std::string& key,
                              const std::string& subject = "");
std::optional<double> number_of(const MetricValue& value);  // none if it is not a number

// The curves of a value, by their names: "active_units", with several latent variables "kl.active_units"; of a list
// "kl_per_dimension.largest", ".median" and ".smallest".
std::vector<std::pair<std::string, double>> curves_of(const std::vector<MetricValue>& values);

}  // namespace loom
