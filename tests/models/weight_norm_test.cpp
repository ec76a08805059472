// Layers with normalised weights in training: initial values, the state of the power iteration, and what copies share.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>

#include "check/standard_registry.h"
#include "io/safetensors.h"
#include "run/program.h"
#include "train/scratch_folder.h"
#include "train/session.h"
#include "train/weight_sources.h"

using namespace loom;
using namespace loom::check;

namespace {

std::unique_ptr<Session> session_of(const std::string& norm, const std::string& more = "") {
  const std::string text =
      "version: 1\ndata: {type: gaussian, features: 6, count: 96}\nnodes:\n  x: {type: input, shape: [6]}\n"
      "  a: {type: linear, in: x, units: 5, activation: tanh, norm: " +
      norm + "}\n  b: {type: linear, in: a, units: 6}\n" + more +
      "losses: {l: {type: squared_error, in: {x: b, target: x}}}\n";
  return std::make_unique<Session>(parse_document(text, "g.yaml", "."), standard_registry(),
                                   SessionSettings{.batch = 16, .threads = 1});
}

std::vector<double> value(Session& session, const std::string& path) {
  const int index = session.parameters().find(path);
  BOOST_REQUIRE_MESSAGE(index >= 0, path);
  const auto values = session.parameters().at(index).value.values();
  return {values.begin(), values.end()};
}

double norm_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum);
}

// u^T W v
double product(const std::vector<double>& u, const std::vector<double>& w, const std::vector<double>& v) {
  double sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i)
    for (std::size_t j = 0; j < v.size(); ++j) sum += u[i] * w[i * v.size() + j] * v[j];
  return sum;
}

// The largest singular value, by many steps of power iteration.
double largest(const std::vector<double>& w, std::size_t rows) {
  const std::size_t columns = w.size() / rows;
  std::vector<double> v(columns, 1), u(rows);
  for (int step = 0; step < 500; ++step) {
    for (std::size_t i = 0; i < rows; ++i) {
      u[i] = 0;
      for (std::size_t j = 0; j < columns; ++j) u[i] += w[i * columns + j] * v[j];
    }
    const double u_norm = norm_of(u);
    for (double& x : u) x /= u_norm;
    for (std::size_t j = 0; j < columns; ++j) {
      v[j] = 0;
      for (std::size_t i = 0; i < rows; ++i) v[j] += w[i * columns + j] * u[i];
    }
    const double v_norm = norm_of(v);
    for (double& x : v) x /= v_norm;
  }
  return product(u, w, v);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(weight_norm)

BOOST_AUTO_TEST_CASE(the_scale_begins_as_the_norm_of_each_row) {
  const auto session = session_of("weight");
  const std::vector<double> w = value(*session, "a.weight"), scale = value(*session, "a.scale");
  BOOST_REQUIRE(scale.size() == 5U);
  for (std::size_t r = 0; r < 5; ++r)
    BOOST_TEST(std::abs(scale[r] - norm_of({w.begin() + static_cast<long>(6 * r),
                                            w.begin() + static_cast<long>(6 * r + 6)})) < 1e-6);
  session->step();
  BOOST_TEST(value(*session, "a.scale") != scale);
}

BOOST_AUTO_TEST_CASE(power_iteration_follows_the_weight) {
  const auto session = session_of("spectral");
  for (int i = 0; i < 40; ++i) session->step();
  const std::vector<double> u = value(*session, "a.u"), v = value(*session, "a.v"), w = value(*session, "a.weight");
  BOOST_TEST(std::abs(norm_of(u) - 1) < 1e-5);
  BOOST_TEST(std::abs(norm_of(v) - 1) < 1e-5);
  BOOST_TEST(std::abs(product(u, w, v) / largest(w, 5) - 1) < 0.02);
}

BOOST_AUTO_TEST_CASE(copies_iterate_once_a_step) {
  const std::string copy = "  n: {type: normal, in: {like: x}}\n  c: {call: a, in: n}\n";
  const auto alone = session_of("spectral"),
             twice = session_of("spectral", copy + "  d: {type: linear, in: c, units: 1}\n");
  for (int i = 0; i < 3; ++i) {
    alone->step();
    twice->step();
  }
  BOOST_TEST(value(*alone, "a.u") == value(*twice, "a.u"));
}

// The scale is that of the weight that is carried over, not of the one that it was drawn with.
BOOST_AUTO_TEST_CASE(a_layer_that_comes_to_have_a_norm_computes_what_it_did) {
  const auto plain = session_of("none"), normed = session_of("weight");
  plain->prepare_training();
  normed->prepare_training();
  for (float& w : plain->parameters().at(plain->parameters().find("a.weight")).value.values()) w *= 3;
  normed->state().adopt(plain->state());
  const std::vector<double> weight = value(*normed, "a.weight"), scale = value(*normed, "a.scale");
  BOOST_TEST(weight == value(*plain, "a.weight"));
  for (std::size_t r = 0; r < scale.size(); ++r) {
    const std::vector<double> row(weight.begin() + static_cast<std::ptrdiff_t>(6 * r),
                                  weight.begin() + static_cast<std::ptrdiff_t>(6 * r + 6));
    BOOST_TEST(std::abs(scale[r] / norm_of(row) - 1) < 1e-6);
  }
}

std::vector<double> outputs_of(Session& session) {
  const std::shared_ptr<const Graph> graph = session.state().graph();
  Executor executor(1);
  Tensor x(DType::f32, {4, 6});
  for (std::size_t i = 0; i < 24; ++i) x.values()[i] = std::sin(static_cast<float>(i));
  ProgramRequest request;
  request.feeds = {graph->port("x", ErrorCode::bad_feed)};
  request.fetch = {graph->port("a", ErrorCode::bad_fetch)};
  request.batch = 4;
  Program program(graph, session.parameters(), executor, request);
  const std::vector<TensorView> feeds = {x.view()};
  program.run({.feeds = feeds, .weights = {}, .samples = 4, .seed = 1});
  const auto values = program.fetched(0).values();
  return {values.begin(), values.end()};
}

void expect_alike(const std::vector<double>& a, const std::vector<double>& b, const std::string& what) {
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i)
    BOOST_TEST(std::abs(a[i] - b[i]) < 1e-5, what << ": " << a[i] << ", " << b[i]);
}

// The weight that was used is taken over, not the one that was stored: live, and from a file (train --init).
BOOST_AUTO_TEST_CASE(a_layer_that_loses_its_norm_computes_what_it_did) {
  const ScratchFolder folder;
  for (const std::string before : {"spectral", "weight"}) {
    for (const int steps : {0, 30}) {
      const auto normed = session_of(before);
      normed->prepare_training();
      for (float& w : normed->parameters().at(normed->parameters().find("a.weight")).value.values()) w *= 3;
      normed->parameters().touch();
      for (int i = 0; i < steps; ++i) normed->step();
      const std::vector<double> expected = outputs_of(*normed);
      std::vector<NamedTensor> tensors;
      for (Parameter& item : normed->parameters().items()) tensors.push_back({item.path, item.value.view()});
      const std::string file = folder.file(before + std::to_string(steps) + ".safetensors");
      write_safetensors(file, tensors, {});
      for (const std::string after : {"none", before == "weight" ? "none" : "weight"}) {
        const std::string what = before + " to " + after + " after " + std::to_string(steps);
        const auto live = session_of(after), loaded = session_of(after);
        live->prepare_training();
        live->state().adopt(normed->state());
        expect_alike(outputs_of(*live), expected, what + ", live");
        const InitialisedWeights taken = load_what_fits({file}, {}, *loaded->state().graph(), loaded->parameters());
        expect_alike(outputs_of(*loaded), expected, what + ", from a file");
        const bool says = std::ranges::any_of(
            taken.lines, [](const std::string& line) { return line == "as they were normalised there: a.weight"; });
        BOOST_TEST(says);
        BOOST_TEST(std::ranges::none_of(
            taken.lines, [](const std::string& line) { return line.starts_with("in the file and not"); }));
      }
      const auto same = session_of(before);
      load_what_fits({file}, {}, *same->state().graph(), same->parameters());
      BOOST_TEST(value(*same, "a.weight") == value(*normed, "a.weight"));
    }
  }
}

// The same of a block that is used with the weights of a file.
BOOST_AUTO_TEST_CASE(a_used_block_without_the_norm_computes_what_the_weights_did) {
  const ScratchFolder folder;
  const auto normed = session_of("spectral");
  for (int i = 0; i < 20; ++i) normed->step();
  const Parameter& weight = normed->parameters().at(normed->parameters().find("a.weight"));
  std::vector<NamedTensor> tensors;
  for (Parameter& item : normed->parameters().items()) tensors.push_back({item.path, item.value.view()});
  write_safetensors(folder.file("w.safetensors"), tensors, {});
  std::ofstream(folder.file("block.yaml"))
      << "version: 1\nblock: b\ninputs: [x]\nnodes:\n  a: {type: linear, in: x, units: 5}\noutput: a\n";
  const std::string text =
      "version: 1\ndata: {type: gaussian, features: 6, count: 96}\nnodes:\n  x: {type: input, shape: [6]}\n"
      "  v: {use: block.yaml, in: x, weights: w.safetensors}\n  y: {type: linear, in: v, units: 6}\n"
      "losses: {l: {type: squared_error, in: {x: y, target: x}}}\n";
  Session session(parse_document(text, "g.yaml", folder.path()), standard_registry(), {.batch = 16, .threads = 1});
  const std::vector<double> w = value(*normed, "a.weight"), used = value(session, "v/a.weight");
  const double sigma = product(value(*normed, "a.u"), w, value(*normed, "a.v"));
  BOOST_REQUIRE(used.size() == static_cast<std::size_t>(weight.shape.count()));
  for (std::size_t i = 0; i < w.size(); ++i) BOOST_TEST(std::abs(used[i] - w[i] / sigma) < 1e-6);
}

BOOST_AUTO_TEST_SUITE_END()
