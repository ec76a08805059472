// Small nodes for tests of the framework, which must not depend on the standard ones: values can be worked out by hand.
#pragma once

#include <cmath>
#include <stdexcept>

#include "check/standard_registry.h"
#include "graph/graph.h"
#include "loom/math.h"
#include "loom/node.h"
#include "loom/plugin.h"

namespace loom::check {

// A place for data.
class ToyInput final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("data").role(Role::input);
    c.option("shape", required, integer_list().at_least(1), "shape of a sample");
    c.option("dtype", "f32", text({"f32", "i32"}), "element type");
    c.output("y", "[N, ...S]", "data").dtype_from("dtype");
  }
  static void infer(ShapeInference& s) { s.bind_run("S", s.options().integers("shape")); }
  explicit ToyInput(const Options&) {}
  void forward(const Forward&) const override {}
};

// y = scale * x, with a learned scalar.
class ToyScale final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("learned scale");
    c.option("start", 1.0, number(), "initial value");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "scaled values");
    c.parameter("weight", "[1]", uniform_values(0.5, 1.5), "the scale");
  }
  explicit ToyScale(const Options&) {}
  void forward(const Forward& f) const override {
    const float w = f.parameter("weight").values()[0];
    const auto x = f.input("x").values();
    const auto y = f.output("y").values();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = w * x[i];
  }
  void backward(const Backward& b) const override {
    const float w = b.parameter("weight").values()[0];
    const auto x = b.input("x").values();
    const auto dy = b.diff_output("y").values();
    float sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += dy[i] * x[i];
    if (b.wants_parameter_diff("weight")) b.diff_parameter("weight").values()[0] += sum;
    if (!b.wants_diff("x")) return;
    const auto dx = b.diff_input("x").values();
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] = w * dy[i];
  }
};

class ToyAdd final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("sum of its inputs");
    c.inputs("x", "[N, ...E]", "summands");
    c.output("y", "[N, ...E]", "sum");
  }
  explicit ToyAdd(const Options&) {}
  void forward(const Forward& f) const override {
    const auto y = f.output("y").values();
    std::fill(y.begin(), y.end(), 0.0F);
    for (int k = 0; k < f.input_count(); ++k) {
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += f.input(k).values()[i];
    }
  }
  void backward(const Backward& b) const override {
    const auto dy = b.diff_output("y").values();
    for (int k = 0; k < b.input_count(); ++k) {
      if (b.wants_diff(k)) std::copy(dy.begin(), dy.end(), b.diff_input(k).values().begin());
    }
  }
};

// loss = 1/2 sum x^2, nats per sample.
class ToyLoss final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("half the squared norm").role(Role::likelihood);
    c.input("x", "[N, ...E]", "values");
    c.output("loss", "[N]", "nats per sample");
  }
  explicit ToyLoss(const Options&) {}
  void forward(const Forward& f) const override {
    const TensorView x = f.input("x");
    for (std::int64_t n = 0; n < f.samples; ++n) {
      float sum = 0;
      for (float v : x[n]) sum += 0.5F * v * v;
      f.output("loss").values()[static_cast<std::size_t>(n)] = sum;
    }
  }
  void backward(const Backward& b) const override {
    for (std::int64_t n = 0; n < b.samples; ++n) {
      const float d = b.diff_output("loss").values()[static_cast<std::size_t>(n)];
      for (std::int64_t i = 0; i < b.input("x").per_sample(); ++i)
        b.diff_input("x")[n][static_cast<std::size_t>(i)] = d * b.input("x")[n][static_cast<std::size_t>(i)];
    }
  }
};

// y = x - mean of x over the batch: a whole-batch node with a backward of its own.
class ToyCenter final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("subtracts the batch mean").whole_batch();
    c.input("x", "[N, D]", "values");
    c.output("y", "[N, D]", "centered values");
    c.state("steps", "[1]", zeros(), "how often it ran in training");
  }
  explicit ToyCenter(const Options&) {}
  void forward(const Forward& f) const override {
    center(f.input("x"), f.output("y"));
    if (f.training) f.state("steps").values()[0] += 1;
  }
  void backward(const Backward& b) const override { center(b.diff_output("y"), b.diff_input("x")); }

 private:
  static void center(TensorView x, TensorView y) {
    for (std::size_t d = 0; d < static_cast<std::size_t>(x.per_sample()); ++d) {
      double mean = 0;
      for (std::int64_t n = 0; n < x.samples(); ++n) mean += x[n][d];
      mean /= static_cast<double>(x.samples());
      for (std::int64_t n = 0; n < x.samples(); ++n) y[n][d] = x[n][d] - static_cast<float>(mean);
    }
  }
};

// The same by sums over the batch. `cheap`: it may be computed again.
template <bool cheap>
class ToyGatheredCenter final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("subtracts the batch mean").sums_over_batch_in_training();
    if (cheap) c.cheap();
    c.input("x", "[N, D]", "values");
    c.output("y", "[N, D]", "centered values");
    c.state("steps", "[1]", zeros(), "how often it ran in training");
    c.backward_reads({"x"});  // as batch norm, which keeps x in any case
  }
  explicit ToyGatheredCenter(const Options&) {}
  void prepare(const Prepare& p) override { p.batch_sums(p.input(0).back(), p.input(0).back()); }
  void gather(const Forward& f) const override { add_rows(f.input("x"), f.sums); }
  void finish(const Forward& f) const override {
    for (double& sum : f.sums) sum /= static_cast<double>(f.batch_samples);
    f.state("steps").values()[0] += 1;
  }
  void forward(const Forward& f) const override {
    for (std::int64_t n = 0; n < f.samples; ++n) {
      for (std::size_t d = 0; d < f.input("x")[n].size(); ++d)
        f.output("y")[n][d] = f.input("x")[n][d] - (f.training ? static_cast<float>(f.sums[d]) : 0.0F);
    }
  }
  void gather_backward(const Backward& b) const override { add_rows(b.diff_output("y"), b.diff_sums); }
  void backward(const Backward& b) const override {
    for (std::int64_t n = 0; n < b.samples; ++n) {
      for (std::size_t d = 0; d < b.diff_output("y")[n].size(); ++d) {
        const double mean = b.training ? b.diff_sums[d] / static_cast<double>(b.batch_samples) : 0;
        b.diff_input("x")[n][d] = b.diff_output("y")[n][d] - static_cast<float>(mean);
      }
    }
  }

 private:
  static void add_rows(TensorView x, std::span<double> sums) {
    for (std::int64_t n = 0; n < x.samples(); ++n) {
      for (std::size_t d = 0; d < sums.size(); ++d) sums[d] += static_cast<double>(x[n][d]);
    }
  }
};

// y = x^2, whose gradient reads x.
template <bool cheap>
class ToySquare final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("square");
    if (cheap) c.cheap();
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "squares");
    c.backward_reads({"x"});
  }
  explicit ToySquare(const Options&) {}
  void forward(const Forward& f) const override {
    const auto x = f.input("x").values(), y = f.output("y").values();
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] * x[i];
  }
  void backward(const Backward& b) const override {
    const auto x = b.input("x").values(), dy = b.diff_output("y").values(), dx = b.diff_input("x").values();
    for (std::size_t i = 0; i < x.size(); ++i) dx[i] = 2 * x[i] * dy[i];
  }
};

class ToyNoise final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("adds N(0, 1)").stochastic();
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "noisy values");
    c.tally("sum", "[1]", "sum of the noise");
    c.state("total", "[1]", zeros(), "sum of the noise over all steps");
  }
  explicit ToyNoise(const Options&) {}
  void forward(const Forward& f) const override {
    for (std::int64_t n = 0; n < f.samples; ++n) {
      f.normal(n, f.output("y")[n]);
      for (std::size_t i = 0; i < f.output("y")[n].size(); ++i) {
        f.tally("sum").values()[0] += f.output("y")[n][i];
        f.output("y")[n][i] += f.input("x")[n][i];
      }
    }
  }
  void backward(const Backward& b) const override {
    const auto dy = b.diff_output("y").values();
    std::copy(dy.begin(), dy.end(), b.diff_input("x").values().begin());
  }
  void end_step(const EndStep& e) const override { e.state("total").values()[0] += e.tally("sum").values()[0]; }
};

// Throws when it meets a negative value.
class ToyPicky final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("passes values >= 0");
    c.input("x", "[N, ...E]", "values >= 0");
    c.output("y", "[N, ...E]", "the same");
  }
  explicit ToyPicky(const Options&) {}
  void forward(const Forward& f) const override {
    for (std::size_t i = 0; i < f.input("x").values().size(); ++i) {
      if (f.input("x").values()[i] < 0) throw std::runtime_error("a negative value");
      f.output("y").values()[i] = f.input("x").values()[i];
    }
  }
};

class ToyReshape final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("another shape of the same memory").alias();
    c.option("shape", required, integer_list().at_least(1), "shape of a sample");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...S]", "the same values");
  }
  static void infer(ShapeInference& s) {
    s.bind_run("S", s.options().integers("shape"));
    std::int64_t count = 1;
    for (std::int64_t extent : s.options().integers("shape")) count *= extent;
    if (count != s.input(0).event().count()) s.fail("the sizes differ", s.input(0).text(), "the count of `shape`", 0);
  }
  explicit ToyReshape(const Options&) {}
  void forward(const Forward&) const override {}
};

// y = x / 2, in f32 or in bf16, where only the exponent changes.
class ToyHalf final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("half of it");
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "half of them");
    c.takes_bf16();
    c.backward_reads({});
  }
  explicit ToyHalf(const Options&) {}
  void forward(const Forward& f) const override { halve(f.input(0), f.output(0)); }
  void backward(const Backward& b) const override {
    if (b.wants_diff(0)) halve(b.diff_output(0), b.diff_input(0));
  }

 private:
  static float value(const TensorView& view, std::int64_t i) {
    if (view.dtype() != DType::bf16) return view.data()[i];
    float wide = 0;
    math::to_f32(view.data<BFloat16>() + i, &wide, 1);
    return wide;
  }
  static void halve(const TensorView& from, const TensorView& to) {
    for (std::int64_t i = 0; i < to.count(); ++i) {
      const float half = value(from, i) / 2;
      if (to.dtype() == DType::bf16)
        math::to_bf16(&half, to.data<BFloat16>() + i, 1);
      else
        to.data()[i] = half;
    }
  }
};

class ToyStop final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("no gradient").alias();
    c.input("x", "[N, ...E]", "values").no_gradient();
    c.output("y", "[N, ...E]", "the same values");
  }
  explicit ToyStop(const Options&) {}
  void forward(const Forward&) const override {}
};

// The standard optimizers and schedules.
inline void add_updates(Registry& registry) {
  const Registry& standard = standard_registry();
  for (const std::string& name : standard.names<OptimizerType>())
    registry.add(OptimizerType(*standard.find<OptimizerType>(name)));
  for (const std::string& name : standard.names<ScheduleType>())
    registry.add(ScheduleType(*standard.find<ScheduleType>(name)));
}

inline const Registry& toy_registry() {
  static const std::unique_ptr<Registry> registry = [] {
    auto types = std::make_unique<Registry>();
    types->add(detail::make_type<NodeType, ToyInput>("input"));
    types->add(detail::make_type<NodeType, ToyScale>("scale"));
    types->add(detail::make_type<NodeType, ToyAdd>("add"));
    types->add(detail::make_type<NodeType, ToyLoss>("loss"));
    types->add(detail::make_type<NodeType, ToyCenter>("center"));
    types->add(detail::make_type<NodeType, ToyGatheredCenter<false>>("gathered_center"));
    types->add(detail::make_type<NodeType, ToyGatheredCenter<true>>("cheap_center"));
    types->add(detail::make_type<NodeType, ToySquare<false>>("square"));
    types->add(detail::make_type<NodeType, ToySquare<true>>("cheap_square"));
    types->add(detail::make_type<NodeType, ToyNoise>("noise"));
    types->add(detail::make_type<NodeType, ToyPicky>("picky"));
    types->add(detail::make_type<NodeType, ToyReshape>("reshape"));
    types->add(detail::make_type<NodeType, ToyHalf>("half"));
    types->add(detail::make_type<NodeType, ToyStop>("stop"));
    add_updates(*types);
    return types;
  }();
  return *registry;
}

// One entry: path, type, sources ("a", "q.mu", "x1=b" for a named port), options.
inline NodeEntry entry(std::string path, std::string type, std::vector<std::string> sources = {},
                       std::map<std::string, OptionValue> options = {}) {
  static int line = 0;
  NodeEntry node;
  node.path = std::move(path);
  node.type = std::move(type);
  node.where = {"toy.yaml", ++line, 3};
  node.type_where = node.where;
  InputEntry plain;
  plain.where = node.where;
  for (const std::string& source : sources) {
    const std::size_t equals = source.find('=');
    const std::string name = equals == std::string::npos ? source : source.substr(equals + 1);
    const std::size_t dot = name.find('.');
    Reference reference{name.substr(0, dot), dot == std::string::npos ? "" : name.substr(dot + 1), node.where};
    if (equals == std::string::npos)
      plain.sources.push_back(reference);
    else
      node.inputs.push_back({source.substr(0, equals), {reference}, node.where});
  }
  if (!plain.sources.empty()) node.inputs.push_back(plain);
  for (auto& [name, value] : options) node.options[name] = {value, node.where};
  return node;
}

inline std::shared_ptr<const Graph> toy_graph(const std::vector<NodeEntry>& entries) {
  Diagnostics diagnostics;
  auto graph = build_graph(entries, toy_registry(), diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

inline OptionValue list(std::vector<OptionValue> values) { return OptionValue(std::move(values)); }

}  // namespace loom::check
