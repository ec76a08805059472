#include "loom/contract.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace loom {
namespace {

template <class T>
int index_of(const std::vector<T>& items, std::string_view name) {
  const auto it = std::find_if(items.begin(), items.end(), [&](const T& item) { return item.name == name; });
  return it == items.end() ? -1 : static_cast<int>(it - items.begin());
}

template <class T>
std::vector<std::string> names_of(const std::vector<T>& items) {
  std::vector<std::string> names;
  for (const T& item : items) names.push_back(item.name);
  return names;
}

PortDeclaration port(std::string name, std::string pattern, std::string doc) {
  PortDeclaration declaration;
  declaration.name = std::move(name);
  declaration.pattern = std::move(pattern);
  declaration.doc = std::move(doc);
  return declaration;
}

}  // namespace

Initializer constant_value(double value) { return {Initializer::Kind::constant, value, 0, ""}; }
Initializer zeros() { return constant_value(0); }
Initializer ones() { return constant_value(1); }
Initializer normal_values(double mean, double deviation) { return {Initializer::Kind::normal, mean, deviation, ""}; }
Initializer uniform_values(double low, double high) { return {Initializer::Kind::uniform, low, high, ""}; }
Initializer kaiming_uniform(std::string of) { return {Initializer::Kind::uniform_fan_in, 1, 0, std::move(of)}; }

Initializer uniform_over_rows() { return {Initializer::Kind::uniform_rows, 1, 0, ""}; }
Initializer equal_to(std::string state) { return {Initializer::Kind::equal, 0, 0, std::move(state)}; }

Contract& Contract::summary(std::string text) {
  summary_ = std::move(text);
  return *this;
}
Contract& Contract::source(std::string paper) {
  source_ = std::move(paper);
  return *this;
}
Contract& Contract::role(Role value) {
  role_ = value;
  return *this;
}
Contract& Contract::mean(std::string input) {
  mean_ = std::move(input);
  return *this;
}
Contract& Contract::mean_by(RelatedNode node) {
  mean_by_ = std::move(node);
  return *this;
}
Contract& Contract::drawn_by(RelatedNode node) {
  drawn_by_ = std::move(node);
  return *this;
}
Contract& Contract::looked_up_by(RelatedNode node) {
  looked_up_by_ = std::move(node);
  return *this;
}
Contract& Contract::measures(Measured what) {
  measured_ = what;
  return *this;
}
ValueDeclaration& Contract::value(std::string key, std::string title, std::string unit, std::string doc) {
  return values_.emplace_back(ValueDeclaration{std::move(key), std::move(title), std::move(unit), std::move(doc)});
}
const ValueDeclaration* Contract::find_value(std::string_view key) const {
  const auto it = std::ranges::find(values_, key, &ValueDeclaration::key);
  return it == values_.end() ? nullptr : &*it;
}

PortDeclaration& Contract::input(std::string name, std::string pattern, std::string doc) {
  return inputs_.emplace_back(port(std::move(name), std::move(pattern), std::move(doc)));
}

PortDeclaration& Contract::inputs(std::string name, std::string pattern, std::string doc) {
  PortDeclaration& declaration = inputs_.emplace_back(port(std::move(name), std::move(pattern), std::move(doc)));
  declaration.is_variadic = true;
  return declaration;
}

PortDeclaration& Contract::output(std::string name, std::string pattern, std::string doc) {
  return outputs_.emplace_back(port(std::move(name), std::move(pattern), std::move(doc)));
}

Contract Contract::without_ports() const {
  Contract copy = *this;
  copy.inputs_.clear();
  copy.outputs_.clear();
  copy.backward_reads_.reset();
  copy.reads_if_ = nullptr;
  for (ParameterDeclaration& parameter : copy.parameters_) parameter.can_overwrite = false;
  return copy;
}

Contract Contract::of_gradient() const {
  Contract copy = without_ports();
  copy.role_ = Role::other;
  copy.mean_by_ = copy.drawn_by_ = copy.looked_up_by_ = std::nullopt;
  copy.mean_.clear();
  copy.causal_.clear();
  copy.tallies_.clear();
  copy.rules_.clear();
  copy.fused_ = std::nullopt;
  copy.window_ = nullptr;
  copy.pointwise_if_ = nullptr;
  copy.cheap_ = copy.takes_bf16_ = copy.pointwise_ = copy.linear_ = copy.second_ = false;
  copy.linear_in_each_ = false;
  // Its gradients need the sums of the batch before they can be computed: it sees all of it at once.
  if (std::exchange(copy.sums_over_batch_in_training_, false)) copy.whole_batch_in_training_ = true;
  return copy;
}

bool Contract::has_open_ports() const {
  return std::ranges::any_of(inputs_, &PortDeclaration::is_any_name) ||
         std::ranges::any_of(outputs_, &PortDeclaration::is_any_name);
}

OptionDeclaration& Contract::option(std::string name, Required, Constraint constraint, std::string doc,
                                    std::string unit) {
  return options_.emplace_back(
      OptionDeclaration{std::move(name), {}, true, std::move(constraint), std::move(doc), std::move(unit), false, {}});
}

OptionDeclaration& Contract::option(std::string name, OptionValue default_value, Constraint constraint, std::string doc,
                                    std::string unit) {
  return options_.emplace_back(OptionDeclaration{std::move(name),
                                                 std::move(default_value),
                                                 false,
                                                 std::move(constraint),
                                                 std::move(doc),
                                                 std::move(unit),
                                                 false,
                                                 {}});
}

Contract& Contract::word(std::string name, std::string form, std::string doc) {
  words_.push_back({std::move(name), std::move(form), std::move(doc)});
  return *this;
}

Contract& Contract::include_options(const Contract& other) {
  options_.insert(options_.end(), other.options_.begin(), other.options_.end());
  return *this;
}

Contract& Contract::rule(std::vector<std::string> options, std::string message, std::string expected, Condition holds) {
  rules_.push_back({std::move(options), std::move(message), std::move(expected), std::move(holds)});
  return *this;
}

ParameterDeclaration& Contract::parameter(std::string name, std::string pattern, Initializer initializer,
                                          std::string doc) {
  return parameters_.emplace_back(ParameterDeclaration{
      std::move(name), std::move(pattern), std::move(initializer), std::move(doc), {}, "", false, false});
}

ParameterDeclaration& Contract::state(std::string name, std::string pattern, Initializer initializer, std::string doc) {
  return states_.emplace_back(ParameterDeclaration{
      std::move(name), std::move(pattern), std::move(initializer), std::move(doc), {}, "", false, false});
}

ParameterDeclaration& Contract::tally(std::string name, std::string pattern, std::string doc) {
  return tallies_.emplace_back(
      ParameterDeclaration{std::move(name), std::move(pattern), zeros(), std::move(doc), {}, "", false, false});
}

Contract& Contract::stochastic() {
  stochastic_ = true;
  return *this;
}
Contract& Contract::stochastic_in_training() {
  stochastic_in_training_ = true;
  return *this;
}
Contract& Contract::whole_batch(std::int64_t least) {
  whole_batch_ = true;
  least_samples_ = least;
  return *this;
}
Contract& Contract::whole_batch_in_training() {
  whole_batch_in_training_ = true;
  return *this;
}
Contract& Contract::sums_over_batch_in_training() {
  sums_over_batch_in_training_ = true;
  return *this;
}
Contract& Contract::takes_bf16() {
  takes_bf16_ = true;
  return *this;
}
Contract& Contract::cheap(std::function<bool(const Options&, std::span<const Shape>)> if_inputs) {
  cheap_ = true;
  cheap_if_ = std::move(if_inputs);
  return *this;
}
bool Contract::is_cheap(const Options& options, std::span<const Shape> inputs) const {
  return cheap_ && (!cheap_if_ || cheap_if_(options, inputs));
}
Contract& Contract::whole_batch_in_training_if(Condition value) {
  whole_batch_in_training_if_ = std::move(value);
  return *this;
}
Contract& Contract::whole_batch_if(Condition value) {
  whole_batch_if_ = std::move(value);
  return *this;
}
Contract& Contract::causal(std::string axes) {
  causal_ = std::move(axes);
  return *this;
}
Contract& Contract::causal_if(std::string axes, Condition value) {
  causal_ = std::move(axes);
  causal_if_ = std::move(value);
  return *this;
}
Contract& Contract::pointwise() {
  pointwise_ = true;
  return *this;
}
Contract& Contract::pointwise_if(Condition value) {
  pointwise_if_ = std::move(value);
  return *this;
}
Contract& Contract::reads_window(TimeWindowRule value) {
  window_ = std::move(value);
  return *this;
}
Contract& Contract::linear(std::vector<std::pair<std::string, OptionValue>> without, Condition value) {
  linear_ = true;
  linear_without_ = std::move(without);
  linear_if_ = std::move(value);
  return *this;
}
Contract& Contract::linear_in_each() {
  linear_in_each_ = true;
  return *this;
}
Contract& Contract::second_derivative(Condition value) {
  second_ = true;
  second_if_ = std::move(value);
  return *this;
}
Contract& Contract::fuses(FusedNode node) {
  fused_ = std::move(node);
  return *this;
}
Contract& Contract::alias() {
  alias_ = true;
  return *this;
}
Contract& Contract::backward_reads(std::vector<std::string> ports, Condition other_if, std::vector<std::string> other) {
  backward_reads_ = std::move(ports);
  reads_if_ = std::move(other_if);
  other_backward_reads_ = std::move(other);
  return *this;
}

std::optional<TimeWindow> Contract::window(const TimeWindowOf& of) const {
  if (of.from.rank() < 2 || of.to.rank() < 2) return std::nullopt;  // a value of the whole event
  if (window_) return window_(of);
  if (!is_pointwise(of.options) || of.from[1] != of.to[1]) return std::nullopt;
  // Of [N, C] the only axis may be the one that the node works along.
  const std::string& pattern = input_at(of.input).pattern;
  const bool channels = pattern.find("...", pattern.rfind(',')) == std::string::npos;
  return of.from.rank() > 2 || !channels ? std::optional(TimeWindow()) : std::nullopt;
}

std::string Contract::whole_batch_text() const {
  if (whole_batch_)
    return "sees the whole batch" +
           (least_samples_ > 1 ? ", of at least " + std::to_string(least_samples_) + " samples" : "");
  if (whole_batch_in_training_) return "sees the whole batch in training";
  if (sums_over_batch_in_training_) return "sums over the whole batch in training";
  if (whole_batch_in_training_if_) return "sees the whole batch in training with some options";
  return whole_batch_if_ ? "sees the whole batch with some options" : "";
}

std::string Contract::second_derivative_text() const {
  if (linear_in_each_) return "has a second derivative";
  if (linear_ && !second_) return linear_if_ ? "has a second derivative with some options" : "has a second derivative";
  if (!second_) return "";
  return second_if_ ? "has a second derivative with some options" : "has a second derivative";
}

std::string Contract::causal_text() const {
  if (causal_.empty()) return "";
  return "causal along " + causal_ + (causal_if_ ? " with some options" : "");
}

bool Contract::reads_in_backward(std::string_view name, const Options& options) const {
  if (!backward_reads_) return true;
  const bool other = reads_if_ && reads_if_(options);
  const std::vector<std::string>& ports = other ? *other_backward_reads_ : *backward_reads_;
  return std::ranges::find(ports, name) != ports.end();
}

int Contract::input_index(std::string_view name) const {
  if (!variadic()) return index_of(inputs_, name);
  const std::string& stem = inputs_.front().name;
  if (!name.starts_with(stem)) return -1;
  const std::string_view digits = name.substr(stem.size());
  int index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const bool whole = error == std::errc() && end == digits.data() + digits.size() && index >= 0;
  return whole ? index : -1;
}

int Contract::output_index(std::string_view name) const { return index_of(outputs_, name); }

std::string Contract::input_name(int index) const {
  return variadic() ? inputs_.front().name + std::to_string(index) : inputs_[static_cast<std::size_t>(index)].name;
}

const PortDeclaration& Contract::input_at(int index) const {
  return variadic() ? inputs_.front() : inputs_[static_cast<std::size_t>(index)];
}

std::vector<std::string> Contract::input_names() const { return names_of(inputs_); }
std::vector<std::string> Contract::output_names() const { return names_of(outputs_); }
std::vector<std::string> Contract::option_names() const { return names_of(options_); }

}  // namespace loom
