// Parts that are applied along an axis: against PyTorch's recurrent nets, and against copies of the part in a row.
#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>

#include "check/standard_registry.h"
#include "document/render.h"
#include "document/rewrite.h"
#include "document/support.h"
#include "io/npz.h"
#include "run/program.h"

using namespace loom;
using namespace loom::check;

namespace {

using Values = std::map<std::string, Tensor>;

Tensor random_values(const Shape& shape, std::uint32_t stream) {
  Tensor values(DType::f32, shape);
  RandomStream(3, stream, 0).normal(0, values.values());
  return values;
}

// A document with a loss `losses/l`, run once.
struct Net {
  std::shared_ptr<const Graph> graph;
  std::unique_ptr<ParameterStore> store;
  Values values, gradients;  // of fetched ports and of parameters

  explicit Net(const std::string& text)
      : graph(build_checked(parse(text).nodes, standard_registry())),
        store(std::make_unique<ParameterStore>(*graph, 7)) {}

  void run(const Values& inputs, const std::vector<std::string>& fetch, bool training = true, std::int64_t shard = 0,
           int threads = 1) {
    Executor executor(threads);
    ProgramRequest request;
    request.training = training;
    std::vector<TensorView> feeds;
    for (const auto& [name, tensor] : inputs) {
      request.feeds.push_back(graph->port(name, ErrorCode::bad_feed));
      feeds.push_back(tensor.view());
    }
    for (const std::string& name : fetch) request.fetch.push_back(graph->port(name, ErrorCode::bad_fetch));
    request.batch = inputs.begin()->second.shape()[0];
    request.shard = shard;
    if (training) {
      request.terms = {graph->port("losses/l", ErrorCode::bad_fetch)};
      request.objectives = {{{0}, {}}};
      for (int i = 0; i < static_cast<int>(store->items().size()); ++i) request.objectives[0].parameters.push_back(i);
      request.input_gradients = request.feeds;
    }
    Program program(graph, *store, executor, request);
    std::vector<std::vector<double>> weights;
    if (training) weights.push_back({static_cast<double>(request.batch)});
    program.run({.feeds = feeds, .weights = weights, .samples = request.batch, .seed = 5});
    for (std::size_t i = 0; i < fetch.size(); ++i) values[fetch[i]] = copy(program.fetched(static_cast<int>(i)));
    if (!training) return;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      if (feeds[i].dtype() != DType::f32) continue;
      gradients[graph->name_of(request.feeds[i])] = copy(program.input_gradient(static_cast<int>(i)));
    }
    for (int i = 0; i < static_cast<int>(store->items().size()); ++i) {
      const std::span<float> gradient = program.gradient(0, i);
      gradients[store->at(i).path] = copy(TensorView(DType::f32, store->at(i).shape, gradient.data()));
    }
  }

  static Tensor copy(const TensorView& view) {
    if (view.empty()) return {};
    Tensor tensor(view.dtype(), view.shape());
    std::memcpy(tensor.view().raw(), view.raw(), view.bytes());
    return tensor;
  }
};

void check_near(const Tensor& got, const Tensor& expected, const std::string& what, double tolerance = 2e-6) {
  BOOST_REQUIRE_MESSAGE(got.shape() == expected.shape(), what << ": " << got.shape().text());
  double worst = 0;
  for (std::size_t i = 0; i < expected.values().size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(got.values()[i]) - static_cast<double>(expected.values()[i])));
  BOOST_TEST(worst <= tolerance, what << ": off by " << worst);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.view().raw(), b.view().raw(), a.view().bytes()) == 0;
}

const std::string kBlocks = std::string(LOOM_SOURCE_DIR) + "/graphs/blocks/";

// A cell of its own: a state, an input for each step, one that is the same in all, and an output beside the state.
constexpr const char* kCell = R"(
      inputs: [x, c, h]
      nodes:
        all:  {type: concat, in: [x, h, c]}
        next: {type: linear, in: all, units: 4, activation: tanh}
        out:  {type: linear, in: next, units: 3}
      outputs: {h: next, y: out}
)";

std::string scanned(const std::string& more) {
  return "version: 1\nnodes:\n  x: {type: input, shape: [5, 2]}\n  c: {type: input, shape: [3]}\n"
         "  h: {type: input, shape: [4]}\n  dy: {type: input, shape: [5, 3]}\n  dh: {type: input, shape: [4]}\n"
         "  rnn:\n    in: {x: x}\n    whole: {c: c}\n    state: {h: h}\n    " +
         more + "\n    scan:" + std::string(kCell) +
         "losses: {l: {expr: \"sum(y * dy) + sum(h * dh)\", in: {y: rnn.y, h: rnn.h_last, dy: dy, dh: dh}}}\n";
}

// The same as copies in a row.
std::string unrolled(const Folder& folder, bool reverse) {
  std::string cell = "version: 1\nblock: cell\n";
  for (std::string line : {"inputs: [x, c, h]", "nodes:", "  all:  {type: concat, in: [x, h, c]}",
                           "  next: {type: linear, in: all, units: 4, activation: tanh}",
                           "  out:  {type: linear, in: next, units: 3}", "outputs: {h: next, y: out}"})
    cell += line + "\n";
  const std::string file = folder.write("cell.yaml", cell);
  std::string text =
      "version: 1\nnodes:\n  x: {type: input, shape: [5, 2]}\n  c: {type: input, shape: [3]}\n"
      "  h: {type: input, shape: [4]}\n  dy: {type: input, shape: [5, 3]}\n  dh: {type: input, shape: [4]}\n";
  std::string rows, before = "h";
  for (int i = 0; i < 5; ++i) {
    const int t = reverse ? 4 - i : i;
    text += fmt::format("  cut{0}: {{type: slice, in: x, axis: 1, start: {0}, stop: {1}}}\n", t, t + 1);
    text += fmt::format("  x{0}: {{type: reshape, in: cut{0}, shape: [2]}}\n", t);
    text += fmt::format("  s{0}: {{use: {1}, in: {{x: x{0}, c: c, h: {2}}}{3}}}\n", t, file, before,
                        i == 0 ? "" : fmt::format(", weights: s{}", reverse ? 4 : 0));
    text += fmt::format("  y{0}: {{type: reshape, in: s{0}.y, shape: [1, 3]}}\n", t);
    before = fmt::format("s{}.h", t);
  }
  text += "  y: {type: concat, in: [y0, y1, y2, y3, y4], axis: 1}\n";
  return text + "losses: {l: {expr: \"sum(y * dy) + sum(h * dh)\", in: {y: y, h: " + before + ", dy: dy, dh: dh}}}\n";
}

Values inputs_of_cell() {
  Values inputs;
  inputs["x"] = random_values({6, 5, 2}, 1);
  inputs["c"] = random_values({6, 3}, 2);
  inputs["h"] = random_values({6, 4}, 3);
  inputs["dy"] = random_values({6, 5, 3}, 4);
  inputs["dh"] = random_values({6, 4}, 5);
  return inputs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scan)

BOOST_AUTO_TEST_CASE(equals_pytorch) {
  const Values golden = read_npz(std::string(LOOM_SOURCE_DIR) + "/tests/golden/recurrent.npz");
  for (const std::string cell : {"gru", "lstm"}) {
    const bool lstm = cell == "lstm";
    const std::string text =
        "version: 1\nnodes:\n  x: {type: input, shape: [6, 4]}\n  h: {type: input, shape: [5]}\n"
        "  c: {type: input, shape: [5]}\n  dy: {type: input, shape: [6, 5]}\n  dh: {type: input, shape: [5]}\n"
        "  dc: {type: input, shape: [5]}\n  rnn: {scan: " +
        kBlocks + cell + ".yaml, in: {x: x}, state: {h: h" + (lstm ? ", c: c" : "") +
        "}, vars: {hidden: 5}}\nlosses: {l: {expr: \"sum(y * dy) + sum(h * dh)" + (lstm ? " + sum(c * dc)" : "") +
        "\", in: {y: rnn.h, dy: dy, h: rnn.h_last, dh: dh" + (lstm ? ", c: rnn.c_last, dc: dc" : "") + "}}}\n";
    Net net(text);
    for (const auto& [part, name] : {std::pair("from_x", "ih"), std::pair("from_h", "hh")}) {
      for (const std::string kind : {"weight", "bias"}) {
        const int index = net.store->find(fmt::format("rnn/{}.{}", part, kind));
        BOOST_REQUIRE(index >= 0);
        std::ranges::copy(golden.at(fmt::format("{}/{}_{}", cell, kind, name)).values(),
                          net.store->at(index).value.values().begin());
      }
    }
    Values inputs;
    for (const std::string name : {"x", "h", "c", "dy", "dh", "dc"}) {
      if (golden.contains(cell + "/" + name)) inputs[name] = golden.at(cell + "/" + name).clone();
    }
    std::vector<std::string> fetch = {"rnn.h", "rnn.h_last"};
    if (lstm) fetch.emplace_back("rnn.c_last");
    net.run(inputs, fetch);
    check_near(net.values.at("rnn.h"), golden.at(cell + "/y"), cell);
    check_near(net.values.at("rnn.h_last"), golden.at(cell + "/h_last"), cell);
    if (lstm) check_near(net.values.at("rnn.c_last"), golden.at(cell + "/c_last"), cell);
    check_near(net.gradients.at("x"), golden.at(cell + "/grad/x"), cell + " x");
    check_near(net.gradients.at("h"), golden.at(cell + "/grad/h"), cell + " h");
    if (lstm) check_near(net.gradients.at("c"), golden.at(cell + "/grad/c"), "lstm c");
    for (const auto& [part, name] : {std::pair("from_x", "ih"), std::pair("from_h", "hh")}) {
      for (const std::string kind : {"weight", "bias"})
        check_near(net.gradients.at(fmt::format("rnn/{}.{}", part, kind)),
                   golden.at(fmt::format("{}/grad/{}_{}", cell, kind, name)), cell + " " + kind + "_" + name, 1e-5);
    }
  }
}

BOOST_AUTO_TEST_CASE(equals_copies_in_a_row) {
  const Folder folder;
  const Values inputs = inputs_of_cell();
  for (const bool reverse : {false, true}) {
    Net part(scanned(reverse ? "reverse: true" : "axis: 1")), copies(unrolled(folder, reverse));
    const std::string first = reverse ? "s4" : "s0";
    for (Parameter& item : part.store->items()) {
      const int other = copies.store->find(first + item.path.substr(3));
      BOOST_REQUIRE(other >= 0);
      std::ranges::copy(copies.store->at(other).value.values(), item.value.values().begin());
    }
    part.run(inputs, {"rnn.y"});
    copies.run(inputs, {"y"});
    check_near(part.values.at("rnn.y"), copies.values.at("y"), "y");
    for (const char* input : {"x", "c", "h"}) check_near(part.gradients.at(input), copies.gradients.at(input), input);
    for (const Parameter& item : part.store->items())
      check_near(part.gradients.at(item.path), copies.gradients.at(first + item.path.substr(3)), item.path, 1e-5);
  }
}

// Shards and threads change no bit of the values, and the gradients alike for any number of threads.
BOOST_AUTO_TEST_CASE(shards_and_threads) {
  const Values inputs = inputs_of_cell();
  Net one(scanned("axis: 1")), two(scanned("axis: 1"));
  one.run(inputs, {"rnn.y"}, true, 2, 1);
  two.run(inputs, {"rnn.y"}, true, 2, 2);
  BOOST_TEST(same_bits(one.values.at("rnn.y"), two.values.at("rnn.y")));
  for (const auto& [path, gradient] : one.gradients) BOOST_TEST(same_bits(gradient, two.gradients.at(path)), path);
  Net whole(scanned("axis: 1"));
  whole.run(inputs, {"rnn.y"}, true, 6, 1);
  check_near(whole.values.at("rnn.y"), one.values.at("rnn.y"), "y of one shard");
}

// Along any axis: a scan of the turned map is the same.
BOOST_AUTO_TEST_CASE(along_another_axis) {
  const std::string cell =
      "{inputs: [x, h], nodes: {next: {type: expr, in: {x: x, h: h}, y: \"tanh(0.5 * h + x)\"}}, "
      "outputs: {h: next}}";
  const auto document = [&](const std::string& shape, const std::string& axis, const std::string& before) {
    return "version: 1\nnodes:\n  x: {type: input, shape: " + shape +
           "}\n  h: {type: constant, value: 0.5, shape: [4, 2]}\n" + before +
           "  rnn: {in: {x: " + (before.empty() ? "x" : "turned") + "}, state: {h: h}, axis: " + axis +
           ", scan: " + cell + "}\n";
  };
  Values inputs;
  inputs["x"] = random_values({2, 4, 3, 2}, 9);
  Net middle(document("[4, 3, 2]", "2", "")), back(document("[4, 3, 2]", "-2", "")),
      first(document("[4, 3, 2]", "1", "  turned: {type: permute, in: x, order: [2, 1, 3]}\n"));
  middle.run(inputs, {"rnn.h", "rnn.h_last"}, false);
  back.run(inputs, {"rnn.h"}, false);
  first.run(inputs, {"rnn.h_last"}, false);
  BOOST_TEST((middle.values.at("rnn.h").shape() == Shape{2, 4, 3, 2}));
  BOOST_TEST(same_bits(middle.values.at("rnn.h"), back.values.at("rnn.h")));
  BOOST_TEST(same_bits(middle.values.at("rnn.h_last"), first.values.at("rnn.h_last")));
}

// Noise is other noise in each step, and the same for any shards. Without inputs, `steps` says how many there are.
BOOST_AUTO_TEST_CASE(noise_and_steps) {
  const std::string text =
      "version: 1\nnodes:\n  h: {type: input, shape: [2]}\n  walk: {state: {h: h}, steps: 40, scan: {inputs: [h], "
      "nodes: "
      "{e: {type: normal, in: {like: h}}, next: {type: add, in: [h, e]}}, outputs: {h: next, e: e}}}\n";
  Values inputs;
  inputs["h"] = Tensor(DType::f32, {6, 2});
  Net one(text), two(text);
  one.run(inputs, {"walk.e", "walk.h", "walk.h_last"}, false, 6);
  two.run(inputs, {"walk.e"}, false, 1, 2);
  const Tensor& noise = one.values.at("walk.e");
  BOOST_TEST((noise.shape() == Shape{6, 40, 2}));
  BOOST_TEST(same_bits(noise, two.values.at("walk.e")));
  double squares = 0, products = 0;
  for (std::int64_t n = 0; n < 6; ++n) {
    for (std::int64_t t = 0; t < 39; ++t) {
      const double a = static_cast<double>(noise.view()[n][static_cast<std::size_t>(2 * t)]);
      squares += a * a;
      products += a * static_cast<double>(noise.view()[n][static_cast<std::size_t>(2 * t + 2)]);
    }
  }
  BOOST_TEST(std::abs(squares / 234 - 1) < 0.3);
  BOOST_TEST(std::abs(products / 234) < 0.2);
}

// Two scans share weights, and a part may scan in turn.
BOOST_AUTO_TEST_CASE(shared_and_nested) {
  const std::string text =
      "version: 1\nnodes:\n  x: {type: input, shape: [4, 3, 2]}\n  h: {type: constant, value: 0, shape: [5]}\n"
      "  rows:\n    in: {x: x}\n    state: {h: h}\n    scan:\n      inputs: [x, h]\n      nodes:\n"
      "        row: {scan: " +
      kBlocks + "gru.yaml, in: {x: x}, state: {h: h}, vars: {hidden: 5}}\n      outputs: {h: row.h_last}\n" +
      "  again: {call: rows, in: {x: x}}\nlosses: {l: {expr: \"sum(a) - sum(b)\", in: {a: rows, b: again}}}\n";
  Net net(text);
  BOOST_TEST(net.store->find("rows/row/from_x.weight") >= 0);
  BOOST_TEST(net.store->items().size() == 4U);
  Values inputs;
  inputs["x"] = random_values({3, 4, 3, 2}, 1);
  net.run(inputs, {"rows.h", "again.h"});
  BOOST_TEST(same_bits(net.values.at("rows.h"), net.values.at("again.h")));
  for (const float value : net.gradients.at("rows/row/from_x.weight").values()) BOOST_TEST(std::abs(value) < 1e-6F);
}

BOOST_AUTO_TEST_CASE(a_resolved_document_is_the_same) {
  const Document document = parse(scanned("reverse: true"));
  const std::string text = render_document(document);
  const Document again = parse(text);
  BOOST_TEST(render_document(again) == text);
  Net a(scanned("reverse: true")), b(text);
  const Values inputs = inputs_of_cell();
  a.run(inputs, {"rnn.y"});
  b.run(inputs, {"rnn.y"});
  BOOST_TEST(same_bits(a.values.at("rnn.y"), b.values.at("rnn.y")));
}

// A part of a graph that holds a scan is called again, and an average follows a scan; both are read back.
BOOST_AUTO_TEST_CASE(copies_of_a_scan) {
  std::string text = scanned("axis: 1");
  text.insert(text.find("losses:"),
              "  noise: {type: normal, in: {like: x}}\n  last: {type: linear, in: rnn.y, units: 2}\n"
              "  again: {call: {from: x, to: last}, in: noise}\n  slow: {average: {of: rnn, decay: 0.5}}\n");
  const Document document = parse(text);
  const auto graph = build_checked(document.nodes, standard_registry());
  BOOST_TEST(graph->find("again/rnn") >= 0);
  BOOST_TEST(graph->shape({graph->find("slow"), 0}).text() == graph->shape({graph->find("rnn"), 0}).text());
  const std::string resolved = render_document(document);
  BOOST_TEST(render_document(parse(resolved)) == resolved);
  BOOST_TEST(build_checked(parse(resolved).nodes, standard_registry())->size() == graph->size());
}

// What is kept of a node's results is found again by its options: another part has others.
BOOST_AUTO_TEST_CASE(another_part_is_another_node) {
  const auto options = [](std::string text, const std::string& from, const std::string& to) {
    if (!from.empty()) text.replace(text.find(from), from.size(), to);
    const Net net(text);
    return net.graph->node(net.graph->find("rnn")).options.values();
  };
  const std::string text = scanned("axis: 1");
  BOOST_TEST((options(text, "", "") == options(text, "", "")));
  BOOST_TEST((options(text, "", "") != options(text, "activation: tanh", "activation: relu")));
  BOOST_TEST((options(text, "", "") != options(text, "in: [x, h, c]", "in: [x, c, h]")));
}

BOOST_AUTO_TEST_CASE(reports_what_is_wrong) {
  const auto error = [](const std::string& node, const std::string& code, const std::string& text) {
    std::string got;
    try {
      const Document document = parse(
          "version: 1\nnodes:\n  x: {type: input, shape: [5, 2]}\n  h: {type: input, shape: [4]}\n"
          "  long: {type: input, shape: [7, 2]}\n  rnn: {" +
          node + "}\n");
      build_checked(document.nodes, standard_registry());
    } catch (const Error& problem) {
      got = problem.what();
    }
    BOOST_TEST((contains(got, code) && contains(got, text)), "expected " << code << " " << text << ", got: " << got);
    BOOST_TEST(contains(got, ".yaml:"), "without a place: " << got);
  };
  const std::string gru = "scan: " + kBlocks + "gru.yaml, vars: {hidden: 4}, ";
  const auto cell = [](const std::string& nodes, const std::string& outputs) {
    return "in: {x: x}, state: {h: h}, scan: {inputs: [x, h], nodes: {" + nodes + "}, outputs: {" + outputs + "}}";
  };
  error(gru + "in: {y: x}, state: {h: h}", "E203", "no input 'y'");
  error(gru + "in: {x: x}", "E205", "'h' is not connected");
  error(gru + "in: {x: x, h: x}, state: {h: h}", "E102", "connected twice");
  error(gru + "in: {x: x}, state: {h: h}, axis: 3", "E207", "has no axis 3");
  error(gru + "in: {x: x}, state: {h: h}, axis: 0", "E207", "axis 0 is the batch");
  error(gru + "in: {x: x}, state: {h: h}, axes: 1", "E202", "axis");
  error(gru + "in: {x: x}, state: {h: x}", "E207", "x");
  error(gru + "in: {x: x}, state: {h: h}, steps: 9", "E207", "number of steps");
  error(gru + "whole: {x: h}, state: {h: h}", "E205", "how many steps");
  error(gru + "in: {x: x}, state: [h]", "E105", "a map of inputs");
  error(cell("a: {type: linear, in: x, units: 4}", "y: a"), "E203", "no output 'h'");
  error(cell("a: {type: linear, in: x, units: 3}", "h: a"), "E207", "[N, 3]");
  error(cell("a: {type: linear, in: x, units: 4}", "h: a, h_last: a"), "E203", "h_last");
  error(cell("a: {type: linear, in: z, units: 4}", "h: a"), "E206", "no node 'z'");
  error(cell("a: {type: linear, in: x, units: 4}, b: {type: batch_norm, in: a}", "h: b"), "E702", "has states");
  error(cell("a: {type: linear, in: x, units: 4, norm: weight}", "h: a"), "E702", "normalises its weight");
  error(cell("a: {type: linear, in: x, units: 4}, i: {type: input, shape: [4]}", "h: a"), "E702", "by its `inputs`");
  error(cell("a: {type: linear, in: x, units: 4, frozen: true}", "h: a"), "E702", "frozen");
  error("in: {a: x, b: long}, scan: {inputs: [a, b], nodes: {s: {type: concat, in: [a, b]}}, outputs: {y: s}}", "E207",
        "number of steps");
  error(
      "in: {x: x}, state: {h: h}, scan: {inputs: [x, x, h], nodes: {a: {type: linear, in: x, units: 4}}, outputs: {h: "
      "a}}",
      "E102", "two inputs 'x'");
  error("in: {x: x}, scan: [gru.yaml]", "E105", "scan has the wrong type");
  error("in: {x: x}, scan: no-such.yaml", "E109", "no-such.yaml");
}

BOOST_AUTO_TEST_SUITE_END()
