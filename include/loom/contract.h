// The declaration of a node: the single source for validation, shape inference, `inspect`, the generated reference and
// the error messages.
//
// Shape patterns: "[N, ...E, C]". N is the batch. Any other upper-case letter is one extent, which is the same
// everywhere in the node. "...E" is a run of any number of extents ("..." is a run that binds nothing). A lower-case
// name is the value of that integer option. A number is itself. Shapes that a pattern cannot express (the extents of a
// strided convolution) are computed in
//   static void infer(loom::ShapeInference&);
// which runs after the inputs are matched and may bind letters, runs and whole output shapes.
//
// Ownership: a Contract is built once per node type by the type's declare() and is immutable afterwards.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loom/options.h"
#include "loom/random.h"
#include "loom/tensor.h"

namespace loom {

inline constexpr struct Required {
} required;

// The purpose of a node, if the framework or a measurement has to find the node in a graph.
enum class Role {
  other,
  input,       // a place for data: never computed, always fed
  likelihood,  // -log p(x|z): its outputs[0] is nats per sample
  divergence,  // KL(q||p): outputs[0] is nats per sample; a `log_ratio` output is log q(z|x) - log p(z) at the drawn z
  sampler,     // draws z from the posterior given on its inputs
  prior,       // draws z from a prior
  quantizer,   // vectors to codes: an output `codes`; states `perplexity` [1] and `unused_for` [K], in batches
  gradient,    // of its input `of` by its input `at`: the host makes the nodes that compute it (graph/gradient.h)
};

// What a metric measures: when it is computed, and what its inputs are (loom/metric.h).
enum class Measured {
  nothing,
  posteriors,       // each posterior of a graph, in the pass of every evaluation
  quantizers,       // each node of Role::quantizer, in the pass of every evaluation
  reconstructions,  // what generate.reconstruct shows, and its originals
  images,           // the same, if they are images
  sounds,           // the same, if they are sounds
  factors,          // posterior means and the known factors of variation of the data; only on request
};

// One value that a metric gives.
struct ValueDeclaration {
  std::string key;    // "active_units"
  std::string title;  // "active units"
  std::string unit;   // "nats"; "" for a pure number
  std::string doc;    // formula, range and source
  bool is_curve = false;

  // A training job stores it at every evaluation, as a curve of its run; of a list: largest, median, smallest.
  ValueDeclaration& curve() {
    is_curve = true;
    return *this;
  }
};

// A word of the language of a text option, such as a function of a formula.
struct WordDeclaration {
  std::string name;  // "sum"
  std::string form;  // "sum(x, axis=A, keep)"
  std::string doc;
};

struct PortDeclaration {
  std::string name;
  std::string pattern;
  std::string doc;
  DType type = DType::f32;
  // Input: may be left unconnected. Output: need not be computed while a map is drawn and nothing reads it.
  bool is_optional = false, is_shape_only = false;  // see shape_only()
  bool is_variadic = false;                         // input: any number of sources, ports name0, name1, ...
  bool is_differentiable = true;  // input: gradients flow back through it; output: it can carry a gradient
  bool is_straight_through = false;
  bool any_type = false;     // input: f32 or i32
  bool reads_codes = false;  // input: f32 or i32, whatever the other inputs are
  bool is_any_name = false;  // stands for ports whose names a document chooses: see Contract::without_ports
  std::string type_option;   // output: the text option that names its dtype
  std::string type_input;    // output: the input that has its dtype
  double minimum = -std::numeric_limits<double>::infinity(), maximum = std::numeric_limits<double>::infinity();
  std::string limit;  // input: the letter or the integer option that every value is less than; "": none

  PortDeclaration& dtype(DType value) {
    type = value;
    return *this;
  }
  PortDeclaration& dtype_from(std::string option) {
    type_option = std::move(option);
    return *this;
  }
  // Input: f32 or i32, for a node that moves values and computes nothing from them. Several such inputs of a node have
  // the same type. An output follows with dtype_of("x"), which makes it differentiable only for f32.
  PortDeclaration& any_dtype() {
    any_type = true;
    return *this;
  }
  // Input: f32 or i32, each such input by itself, for a node that computes with integers as numbers. No gradient flows
  // back to an input of i32.
  PortDeclaration& or_codes() {
    reads_codes = true;
    return *this;
  }
  // Any number of ports, each with a name of the document's choice; `name` is what the documentation calls them.
  PortDeclaration& any_name() {
    is_any_name = true;
    return *this;
  }
  PortDeclaration& dtype_of(std::string input) {
    type_input = std::move(input);
    return *this;
  }
  PortDeclaration& optional() {
    is_optional = true;
    return *this;
  }
  // Input: shapes are inferred from it, and no value of it is needed: in calls it is not connected.
  PortDeclaration& shape_only() {
    is_shape_only = reads_codes = true;
    return optional().no_gradient();
  }
  PortDeclaration& no_gradient() {
    is_differentiable = false;
    return *this;
  }
  // Output: its gradient replaces the derivative, which is zero or does not exist (a rounding, the nearest code).
  // Checks do not compare it with differences of forward.
  PortDeclaration& straight_through() {
    is_straight_through = true;
    return *this;
  }
  // Input: the range of meaningful values, including both ends: probabilities, variances, codes. Checks draw from it.
  PortDeclaration& between(double low, double high) {
    minimum = low;
    maximum = high;
    return *this;
  }
  // Input: codes from 0 on that are less than an integer option ("count"), or than the extent of a letter ("K").
  PortDeclaration& codes_below(std::string letter_or_option) {
    minimum = 0;
    limit = std::move(letter_or_option);
    return *this;
  }
};

using Condition = std::function<bool(const Options&)>;

struct ParameterDeclaration {
  std::string name;
  std::string pattern;
  Initializer initializer;
  std::string doc;
  Condition condition;       // empty: with all options
  std::string input;         // exists only if this optional input is connected; empty: always
  bool set_by_node = false;  // a parameter that Node::end_step may write, in addition to the optimizer
  bool is_own = false;       // a state that `weights:` does not share
  int channel_axis = -1;     // see scales_outputs(), with the condition
  Condition scales_if;
  bool shifts = false;         // see shifts_outputs()
  bool can_overwrite = false;  // see overwrites_first(), with the condition
  Condition overwrites_if;
  std::string left_of, right_of;  // a singular vector of the weight W of this name: the node uses W / (left^T W right)

  ParameterDeclaration& only_if(Condition value) {
    condition = std::move(value);
    return *this;
  }
  ParameterDeclaration& only_with(std::string optional_input) {
    input = std::move(optional_input);
    return *this;
  }
  ParameterDeclaration& also_set_by_node() { return set_by_node = true, *this; }
  // Before a function that an option `activation` names, the outputs are linear in this parameter, and in the one that shifts
  // them. Its axis `axis` counts the channels of all outputs, their last axes, one output after the other. Initial values
  // can then follow from the data (train/data_init.h).
  ParameterDeclaration& scales_outputs(int axis = 0, Condition value = nullptr) {
    channel_axis = axis, scales_if = std::move(value);
    return *this;
  }
  bool scales(const Options& options) const { return channel_axis >= 0 && (!scales_if || scales_if(options)); }
  ParameterDeclaration& shifts_outputs() { return shifts = true, *this; }
  // Backward::is_first(name) may be true in a call of Node::backward, which then overwrites diff_parameter(name) in place of
  // adding to it: the sum is not cleared before. It saves two passes over a large weight.
  ParameterDeclaration& overwrites_first(Condition value = nullptr) {
    can_overwrite = true, overwrites_if = std::move(value);
    return *this;
  }
  bool overwrites(const Options& options) const { return can_overwrite && (!overwrites_if || overwrites_if(options)); }
  // A state that each of the nodes that share weights has for itself: its figures.
  ParameterDeclaration& own() { return is_own = true, *this; }
};

// What an output of a node reads of an input, both counted along the first axis of an event (the time of a sequence): output
// position j reads positions floor(j down / up) - before ... floor(j down / up) + after. What lies beyond the ends is what
// the node takes for it, such as the zeros of a padding.
struct TimeWindow {
  std::int64_t up = 1, down = 1;
  std::int64_t before = 0, after = 0;  // less than 0: the positions next to it are not read (a shift)
};
// The ports in question, and their shapes with the abstract batch axis.
struct TimeWindowOf {
  const Options& options;
  int input = 0, output = 0;
  const Shape& from;
  const Shape& to;
};
using TimeWindowRule = std::function<std::optional<TimeWindow>(const TimeWindowOf&)>;

// What the ports of one node follow from, where they are not the same for all nodes of a type.
struct PortChoice {
  const Options& options;
  // The names under which a document connects sources, in its order. Nothing: no document is there, and the node names
  // the inputs that its options ask for.
  std::optional<std::vector<std::string>> inputs;
};

class Contract {
 public:
  Contract& summary(std::string text);
  Contract& source(std::string paper_and_equation);
  Contract& role(Role value);

  PortDeclaration& input(std::string name, std::string pattern, std::string doc);
  PortDeclaration& inputs(std::string name, std::string pattern, std::string doc);  // variadic; must be the only input
  PortDeclaration& output(std::string name, std::string pattern, std::string doc);
  // A copy without ports and backward_reads, to which a type whose ports follow from the options adds those of one node
  // (`static void ports(Contract&, const PortChoice&)`, loom/plugin.h).
  Contract without_ports() const;
  OptionDeclaration& option(std::string name, Required, Constraint constraint, std::string doc, std::string unit = "");
  OptionDeclaration& option(std::string name, OptionValue default_value, Constraint constraint, std::string doc,
                            std::string unit = "");
  ParameterDeclaration& parameter(std::string name, std::string pattern, Initializer initializer, std::string doc);
  // The words that its text options understand, for the reference.
  Contract& word(std::string name, std::string form, std::string doc);
  // Adds the options of another declaration: those that every type of a kind takes.
  Contract& include_options(const Contract& other);
  // A rule about several options, reported at the first of `options` that a document sets.
  Contract& rule(std::vector<std::string> options, std::string message, std::string expected, Condition holds);
  // Host-owned values that training changes without gradients (running statistics); saved with the parameters. They
  // move only where an objective may change the node: a node that is frozen, or that every objective's `parameters`
  // leaves out, computes as in evaluation.
  ParameterDeclaration& state(std::string name, std::string pattern, Initializer initializer, std::string doc);
  // Per-lane sums over a step's samples, reduced in a fixed order and handed to Node::end_step, which may change state.
  // Nodes that share their states (`weights:`) sum their tallies, and the end of the step is that of one node.
  ParameterDeclaration& tally(std::string name, std::string pattern, std::string doc);

  // What generates the values that a loss compares or measures; the first output of the related node is meant.
  // Of a likelihood of its input `target`: the input that is the mean of the distribution, or a node that computes it.
  Contract& mean(std::string input);
  Contract& mean_by(RelatedNode node);
  // Of a likelihood: draws of its target. Of a divergence: draws from the prior, in place of what the sampler draws that
  // reads the same posterior.
  Contract& drawn_by(RelatedNode node);
  // Of a quantizer: the vectors of its codes.
  Contract& looked_up_by(RelatedNode node);

  // Of a metric: what it measures, and its values.
  Contract& measures(Measured what);
  ValueDeclaration& value(std::string key, std::string title, std::string unit, std::string doc);

  // Traits.
  Contract& stochastic();              // reads its RandomStream
  Contract& stochastic_in_training();  // in evaluation it draws nothing (dropout)
  // forward and backward see the whole batch at once, which has at least so many samples: an evaluation joins a last
  // batch of fewer to the one before it.
  Contract& whole_batch(std::int64_t least = 1);
  Contract& whole_batch_in_training();  // in evaluation it works per sample
  Contract& whole_batch_in_training_if(Condition value);
  Contract& whole_batch_if(Condition value);  // only with some options (an average over the batch inside a loss)
  // In training, the node needs sums over the batch and nothing else of other samples (batch norm). It says in prepare()
  // how many (Prepare::batch_sums). Only these numbers pass the barrier: all calls but finish() are for a shard.
  //   gather           adds the shard's share to `sums`; its outputs have no memory
  //   finish           once, with the sums of the batch, which it may replace by what the later calls read; it may write
  //                    state, and has neither inputs nor outputs, nor slots
  //   forward          reads `sums`
  //   gather_backward  reads `sums`; adds the shard's share to `diff_sums`, and to every diff_parameter that is wanted
  //   backward         reads both; writes diff_input alone
  // Saved memory is that of forward. In evaluation, and where the node is frozen, only forward and backward are called.
  Contract& sums_over_batch_in_training();
  // forward costs about as much as reading its inputs: an output that only a backward step in a later stage reads is
  // computed again there, if that keeps less memory. Such a node keeps nothing in saved memory.
  Contract& cheap(std::function<bool(const Options&, std::span<const Shape>)> if_inputs = nullptr);  // null: always
  // Its f32 ports, and their gradients, may be bf16 in training with that precision: see TensorView::dtype().
  Contract& takes_bf16();
  // The output at position t depends on inputs at positions <= t along these axes.
  Contract& causal(std::string axes);
  Contract& causal_if(std::string axes, Condition value);  // only with some options
  // The output at a position of the event's leading axes depends only on the inputs at that position (linear). forward()
  // is then also used for one position at a time. A stochastic node draws its values in order, once.
  Contract& pointwise();
  Contract& pointwise_if(Condition value);
  // What output positions read of the inputs in evaluation; nothing: maybe all positions, as of a node without a rule. A
  // pointwise node needs none. Long recordings are then computed in pieces.
  Contract& reads_window(TimeWindowRule value);
  // Second derivatives, which a penalty of a gradient needs. The host has them of outputs that are linear in the inputs, or in
  // each, if `value` holds and `without` are set so. Others have Node::second_backward; those with both bend only at kinks.
  Contract& linear(std::vector<std::pair<std::string, OptionValue>> without = {}, Condition value = nullptr);
  Contract& linear_in_each();
  Contract& second_derivative(Condition value = nullptr);
  Contract& fuses(FusedNode node);  // what is applied to the first output
  Contract& alias();                // the first output is the first input's memory with another shape
  // The ports that backward reads, or with some options others; by default every input and output is kept for it.
  Contract& backward_reads(std::vector<std::string> ports, Condition other_if = nullptr, std::vector<std::string> = {});

  const std::string& summary() const { return summary_; }
  const std::string& source() const { return source_; }
  Role role() const { return role_; }
  const std::vector<PortDeclaration>& inputs() const { return inputs_; }
  const std::vector<PortDeclaration>& outputs() const { return outputs_; }
  const std::vector<OptionDeclaration>& options() const { return options_; }
  const std::vector<WordDeclaration>& words() const { return words_; }
  struct Rule {
    std::vector<std::string> options;
    std::string message, expected;
    Condition holds;
  };
  const std::vector<Rule>& rules() const { return rules_; }
  const std::string& mean() const { return mean_; }  // "" if there is none
  const std::optional<RelatedNode>& mean_by() const { return mean_by_; }
  const std::optional<RelatedNode>& drawn_by() const { return drawn_by_; }
  const std::optional<RelatedNode>& looked_up_by() const { return looked_up_by_; }
  Measured measured() const { return measured_; }
  const std::vector<ValueDeclaration>& values() const { return values_; }
  const ValueDeclaration* find_value(std::string_view key) const;  // null if there is none
  const std::vector<ParameterDeclaration>& parameters() const { return parameters_; }
  const std::vector<ParameterDeclaration>& states() const { return states_; }
  const std::vector<ParameterDeclaration>& tallies() const { return tallies_; }
  bool is_stochastic() const { return stochastic_ || stochastic_in_training_; }
  bool is_stochastic(bool training) const { return stochastic_ || (training && stochastic_in_training_); }
  bool is_pointwise(const Options& options) const { return pointwise_ || (pointwise_if_ && pointwise_if_(options)); }
  std::optional<TimeWindow> window(const TimeWindowOf& of) const;
  bool is_whole_batch(const Options& options, bool training) const {
    return whole_batch_ || (whole_batch_if_ && whole_batch_if_(options)) ||
           (training &&
            (whole_batch_in_training_ || (whole_batch_in_training_if_ && whole_batch_in_training_if_(options))));
  }
  bool has_sums_over_batch(bool training) const { return training && sums_over_batch_in_training_; }
  bool is_cheap(const Options& options, std::span<const Shape> inputs) const;
  bool can_take_bf16() const { return takes_bf16_; }
  std::int64_t least_samples() const { return least_samples_; }  // where it sees the whole batch
  std::string whole_batch_text() const;  // in words, for the reference; "" for a node that works per sample
  bool is_alias() const { return alias_; }
  bool is_linear(const Options& options) const { return linear_ && (!linear_if_ || linear_if_(options)); }
  bool is_linear_in_each() const { return linear_in_each_; }
  const std::vector<std::pair<std::string, OptionValue>>& linear_without() const { return linear_without_; }
  bool has_second_derivative(const Options& options) const { return second_ && (!second_if_ || second_if_(options)); }
  const std::optional<FusedNode>& fused() const { return fused_; }
  std::string second_derivative_text() const;  // in words, for the reference; "" for a node that has none
  Contract of_gradient() const;                // of a node that computes a gradient of this one: without ports
  const std::string& causal_axes() const { return causal_; }
  bool is_causal(const Options& options) const { return !causal_.empty() && (!causal_if_ || causal_if_(options)); }
  std::string causal_text() const;  // in words, for the reference; "" for a node that is not
  bool has_open_ports() const;      // some ports have names that a document chooses
  bool variadic() const { return !inputs_.empty() && inputs_.front().is_variadic; }
  bool reads_in_backward(std::string_view port, const Options& options) const;

  int input_index(std::string_view name) const;  // -1 if there is none; a variadic "x3" is 3
  int output_index(std::string_view name) const;
  std::string input_name(int index) const;  // a variadic port's "x3"
  const PortDeclaration& input_at(int index) const;
  std::vector<std::string> input_names() const;
  std::vector<std::string> output_names() const;
  std::vector<std::string> option_names() const;

 private:
  std::string summary_, source_, causal_, mean_;
  std::optional<RelatedNode> mean_by_, drawn_by_, looked_up_by_;
  std::optional<FusedNode> fused_;
  std::vector<std::pair<std::string, OptionValue>> linear_without_;
  Role role_ = Role::other;
  Measured measured_ = Measured::nothing;
  std::vector<ValueDeclaration> values_;
  std::vector<PortDeclaration> inputs_, outputs_;
  std::vector<OptionDeclaration> options_;
  std::vector<ParameterDeclaration> parameters_, states_, tallies_;
  std::vector<Rule> rules_;
  std::vector<WordDeclaration> words_;
  std::optional<std::vector<std::string>> backward_reads_, other_backward_reads_;
  std::int64_t least_samples_ = 1;
  Condition whole_batch_if_, whole_batch_in_training_if_, pointwise_if_, causal_if_, linear_if_, second_if_, reads_if_;
  TimeWindowRule window_;
  std::function<bool(const Options&, std::span<const Shape>)> cheap_if_;
  bool pointwise_ = false, linear_ = false, linear_in_each_ = false, second_ = false;
  bool stochastic_ = false, stochastic_in_training_ = false, whole_batch_ = false, whole_batch_in_training_ = false,
       alias_ = false, sums_over_batch_in_training_ = false, cheap_ = false, takes_bf16_ = false;
};

}  // namespace loom
