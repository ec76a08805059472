// Receptive fields of random graphs of the standard nodes, compared with what forward does: inputs are changed one position
// at a time, and pieces are computed beside the whole.
#include "graph/receptive_field.h"

#include <cmath>
#include <numeric>
#include <random>

#include "run/program.h"
#include "support/toy_nodes.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr std::int64_t kChannels = 4;

NodeEntry sequence(std::int64_t length) { return entry("x", "input", {}, {{"shape", list({length, kChannels})}}); }

std::shared_ptr<const Graph> standard_graph(std::vector<NodeEntry> entries, std::int64_t length) {
  entries.insert(entries.begin(), sequence(length));
  Diagnostics diagnostics;
  auto graph = build_graph(entries, standard_registry(), diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

std::int64_t outputs_of(const Graph& graph, Port port) { return graph.shape(port)[1]; }

// The values of `y`, position by position, for samples of the recording's positions from `first` on.
class Forwarded {
 public:
  Forwarded(std::shared_ptr<const Graph> graph, const std::string& y)
      : graph_(std::move(graph)), store_(*graph_, 7), executor_(1), port_(graph_->port(y, ErrorCode::bad_fetch)) {
    ProgramRequest request;
    request.feeds = {graph_->port("x", ErrorCode::bad_feed)};
    request.fetch = {port_};
    program_ = std::make_unique<Program>(graph_, store_, executor_, request);
  }
  std::vector<std::vector<float>> run(std::span<const float> x, std::span<const std::int64_t> starts = {}) {
    Tensor fed(DType::f32, {1, static_cast<std::int64_t>(x.size()) / kChannels, kChannels});
    std::ranges::copy(x, fed.values().begin());
    const std::vector<TensorView> feeds = {fed.view()};
    program_->run({.feeds = feeds, .weights = {}, .samples = 1, .seed = 5, .step = 0, .starts = starts});
    const TensorView y = program_->fetched(0);
    const std::int64_t width = y.shape().count_from(2);
    std::vector<std::vector<float>> rows;
    for (std::int64_t i = 0; i < y.shape()[1]; ++i)
      rows.emplace_back(y.values().begin() + i * width, y.values().begin() + (i + 1) * width);
    return rows;
  }

 private:
  std::shared_ptr<const Graph> graph_;
  ParameterStore store_;
  Executor executor_;
  Port port_;
  std::unique_ptr<Program> program_;
};

std::vector<float> random_values(std::int64_t positions) {
  std::vector<float> values(static_cast<std::size_t>(positions * kChannels));
  RandomStream(3, 1, 0).normal(0, values);
  return values;
}

ReceptiveField field_of(const Graph& graph, const std::string& y) {
  return {graph, std::vector{graph.port("x", ErrorCode::bad_feed)}, graph.port(y, ErrorCode::bad_fetch)};
}

// A random node at the end of a chain, of kChannels channels.
NodeEntry random_node(std::mt19937& random, const std::string& path, const std::string& source) {
  const auto pick = [&](std::int64_t from, std::int64_t to) {
    return std::uniform_int_distribution<std::int64_t>(from, to)(random);
  };
  switch (pick(0, 8)) {
    case 0:
      return entry(path, "conv", {source},
                   {{"filters", kChannels}, {"kernel", pick(1, 4)}, {"stride", pick(1, 3)}, {"padding", pick(0, 2)}});
    case 1:
      return entry(path, "conv", {source},
                   {{"filters", kChannels}, {"kernel", pick(2, 3)}, {"dilation", pick(1, 4)}, {"padding", "same"}});
    case 2:
      return entry(path, "conv", {source},
                   {{"filters", kChannels}, {"kernel", pick(2, 3)}, {"dilation", pick(1, 3)}, {"padding", "causal"}});
    case 3: {
      const std::int64_t stride = pick(1, 3), padding = pick(0, 1);
      return entry(path, "conv_transpose", {source},
                   {{"filters", kChannels},
                    {"kernel", pick(1, 5)},
                    {"stride", stride},
                    {"dilation", pick(1, 2)},
                    {"padding", padding},
                    {"output_padding", pick(0, stride - 1)}});
    }
    case 4:
      return entry(path, "pool", {source}, {{"kind", "average"}, {"kernel", pick(2, 3)}, {"padding", pick(0, 1)}});
    case 5: return entry(path, "upsample", {source}, {{"factor", pick(1, 3)}});
    case 6:
      return entry(path, "wavenet_block", {source}, {{"kernel", pick(2, 3)}, {"dilation", pick(1, 4)}, {"skip", 2}});
    case 7:
      return entry(path, "masked_conv", {source},
                   {{"filters", kChannels}, {"kernel", 1 + 2 * pick(1, 2)}, {"mask", pick(0, 1) == 0 ? "A" : "B"}});
    default: return entry(path, "shift", {source}, {{"axis", 1}, {"by", pick(-2, 2)}});
  }
}

// y0 to y3, of which every other has a residual connection beside a dilated convolution.
std::vector<NodeEntry> random_chain(int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::vector<NodeEntry> entries;
  std::string last = "x";
  for (int i = 0; i < 3; ++i) {
    entries.push_back(random_node(random, fmt::format("n{}", i), last));
    last = fmt::format("n{}", i);
  }
  entries.push_back(entry("side", "conv", {last}, {{"filters", kChannels}, {"kernel", 3}, {"padding", "same"}}));
  entries.push_back(entry("y", "add", {"side", last + (entries[2].type == "wavenet_block" ? ".y" : "")}));
  return entries;
}

std::string text_of(const std::vector<NodeEntry>& entries) {
  std::string text;
  for (const NodeEntry& node : entries) {
    text += node.type + "(";
    for (const auto& [name, option] : node.options) text += name + "=" + option.value.text() + " ";
    text += ") ";
  }
  return text;
}

// What of the outputs changes with each position is inside of the declared window; of outputs in the middle, it nearly fills
// the window.
void check_windows(const std::vector<NodeEntry>& entries) {
  constexpr std::int64_t kLength = 60;
  const auto graph = standard_graph(entries, kLength);
  const ReceptiveField field = field_of(*graph, "y");
  BOOST_REQUIRE_MESSAGE(field.is_local(), field.obstacle());
  Forwarded forwarded(graph, "y");
  const std::vector<float> x = random_values(kLength);
  const auto base = forwarded.run(x);
  std::vector<Positions> seen(base.size(), {kLength, -1});
  for (std::int64_t t = 0; t < kLength; ++t) {
    std::vector<float> other = x;
    for (std::int64_t c = 0; c < kChannels; ++c) other[static_cast<std::size_t>(t * kChannels + c)] += 1;
    const auto changed = forwarded.run(other);
    for (std::size_t j = 0; j < base.size(); ++j) {
      if (changed[j] != base[j]) seen[j] = {std::min(seen[j].first, t), t};
    }
  }
  for (std::size_t j = 0; j < base.size(); ++j) {
    if (seen[j].last < 0) continue;
    const auto at = static_cast<std::int64_t>(j);
    const Positions read = field.reads({at, at});
    BOOST_TEST((read.first <= seen[j].first && seen[j].last <= read.last),
               text_of(entries) << ": output " << j << " changes with inputs " << seen[j].first << " to "
                                << seen[j].last << ", not only " << read.first << " to " << read.last);
    if (read.first < 0 || read.last >= kLength) continue;
    const std::int64_t loose = read.last - read.first - (seen[j].last - seen[j].first);
    BOOST_TEST(loose <= field.alignment() + 4,
               text_of(entries) << ": the window of output " << j << " is " << loose << " positions too large");
  }
}

// Pieces of several lengths and places give what the whole gives.
void check_pieces(const std::vector<NodeEntry>& entries, std::int64_t length) {
  const auto whole = standard_graph(entries, length);
  const ReceptiveField field = field_of(*whole, "y");
  const std::int64_t unit = field.alignment();
  const std::vector<float> x = random_values(length);
  const auto expected = Forwarded(whole, "y").run(x);
  const auto up = [&](std::int64_t value) { return (value + unit - 1) / unit * unit; };
  const std::int64_t piece = length - (length / 2) / unit * unit;
  const auto graph = standard_graph(entries, piece);
  BOOST_TEST(outputs_of(*graph, graph->port("y", ErrorCode::bad_fetch)) ==
             static_cast<std::int64_t>(expected.size()) - (length - piece) / field.down() * field.up());
  Forwarded forwarded(graph, "y");
  for (const std::int64_t a : {std::int64_t{0}, up(length / 5), length - piece}) {
    const std::int64_t b = a + piece, p = a == 0 ? 0 : a + up(field.before());
    if (b > length || (a + piece < length && (length - b) % unit != 0)) continue;
    const auto got = forwarded.run(
        std::span(x).subspan(static_cast<std::size_t>(a * kChannels), static_cast<std::size_t>(piece * kChannels)));
    const std::int64_t first = p / field.down() * field.up(), begin = a / field.down() * field.up();
    const std::int64_t last = b == length ? static_cast<std::int64_t>(expected.size())
                                          : (b - field.after()) / unit * unit / field.down() * field.up();
    for (std::int64_t j = first; j < last; ++j) {
      for (std::size_t c = 0; c < expected.front().size(); ++c) {
        const float one = expected[static_cast<std::size_t>(j)][c], other = got[static_cast<std::size_t>(j - begin)][c];
        BOOST_REQUIRE_MESSAGE(std::abs(one - other) <= 1e-5F * (1 + std::abs(one)),
                              text_of(entries) << ": output " << j << " of the piece from " << a << " to " << b
                                               << " is " << other << ", not " << one);
      }
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(receptive_fields)

BOOST_AUTO_TEST_CASE(random_graphs_see_no_more_and_little_less) {
  for (int seed = 0; seed < 60; ++seed) check_windows(random_chain(seed));
}

BOOST_AUTO_TEST_CASE(pieces_of_random_graphs) {
  for (int seed = 0; seed < 60; ++seed) {
    for (const std::int64_t length : {216, 223}) check_pieces(random_chain(seed), length);
  }
}

BOOST_AUTO_TEST_CASE(a_strided_convolution_by_hand) {
  const auto graph =
      standard_graph({entry("a", "conv", {"x"}, {{"filters", 2}, {"kernel", 4}, {"stride", 2}, {"padding", 1}}),
                      entry("b", "conv", {"a"}, {{"filters", 2}, {"kernel", 3}, {"dilation", 2}, {"padding", "same"}}),
                      entry("q", "vector_quantizer", {"b"}, {{"codes", 4}})},
                     64);
  const ReceptiveField field = field_of(*graph, "q.codes");
  BOOST_REQUIRE(field.is_local());
  BOOST_TEST(field.up() == 1);
  BOOST_TEST(field.down() == 2);
  BOOST_TEST(field.alignment() == 2);
  // b[j] reads a[j - 2 ... j + 2], and a[j] reads x[2 j - 1 ... 2 j + 2].
  BOOST_TEST((field.reads({10, 10}) == Positions{15, 26}));
  BOOST_TEST(field.before() == 5);
  BOOST_TEST(field.after() == 5);
  BOOST_TEST(field.starts(8)[static_cast<std::size_t>(graph->find("b"))] == 4);
}

BOOST_AUTO_TEST_CASE(a_condition_at_its_own_rate) {
  const auto graph =
      standard_graph({entry("a", "conv", {"x"}, {{"filters", 2}, {"kernel", 4}, {"stride", 4}}),
                      entry("y", "wavenet_block", {"x=x", "condition=a"}, {{"skip", 2}, {"dilation", 3}})},
                     64);
  const ReceptiveField field = field_of(*graph, "y");
  BOOST_REQUIRE_MESSAGE(field.is_local(), field.obstacle());
  BOOST_TEST(field.up() == field.down());
  BOOST_TEST(field.alignment() == 4);
  BOOST_TEST((field.reads({9, 9}) == Positions{6, 11}));
}

BOOST_AUTO_TEST_CASE(what_sees_everything_is_named) {
  const auto obstacle = [](const NodeEntry& node) {
    const auto graph = standard_graph({node, entry("y", "activation", {"n"})}, 16);
    return field_of(*graph, "y").obstacle();
  };
  BOOST_TEST(obstacle(entry("n", "group_norm", {"x"}, {{"groups", 1}})) ==
             "the node 'n' (group_norm) may read all positions");
  BOOST_TEST(obstacle(entry("n", "attention", {"query=x", "key=x", "value=x"})) ==
             "the node 'n' (attention) may read all positions");
  BOOST_TEST(obstacle(entry("n", "softmax", {"x"}, {{"axis", 1}})) == "the node 'n' (softmax) may read all positions");
  BOOST_TEST(obstacle(entry("n", "softmax", {"x"}, {{"axis", 2}})) == "");
  BOOST_TEST(obstacle(entry("n", "layer_norm", {"x"})) == "");
  BOOST_TEST(obstacle(entry("n", "sinusoidal_positions", {"x"})) ==
             "the node 'n' (sinusoidal_positions) may read all positions");
  const auto flat =
      standard_graph({entry("flat", "flatten", {"x"}), entry("y", "linear", {"flat"}, {{"units", 4}})}, 16);
  BOOST_TEST(field_of(*flat, "flat").is_local());
  BOOST_TEST(field_of(*flat, "y").obstacle() == "the node 'y' (linear) may read all positions");
}

BOOST_AUTO_TEST_CASE(other_shapes_of_the_same_positions) {
  const auto graph = standard_graph({entry("half", "reshape", {"x"}, {{"shape", list({-1, 2 * kChannels})}}),
                                     entry("y", "reshape", {"half"}, {{"shape", list({-1, kChannels})}})},
                                    64);
  BOOST_TEST(field_of(*graph, "half").down() == 2);
  BOOST_TEST((field_of(*graph, "half").reads({3, 3}) == Positions{6, 7}));
  BOOST_TEST((field_of(*graph, "y").reads({3, 3}) == Positions{2, 3}));
}

// A part of a sequence draws what the whole draws there.
BOOST_AUTO_TEST_CASE(draws_of_a_part) {
  const std::vector<NodeEntry> entries = {
      entry("q", "gaussian_parameters", {"x"}, {{"dim", 3}}),
      entry("y", "gaussian_sampler", {"mu=q.mu", "logvar=q.logvar"}),
  };
  const auto whole = standard_graph(entries, 32), part = standard_graph(entries, 12);
  const std::vector<float> x = random_values(32);
  const auto expected = Forwarded(whole, "y").run(x);
  const std::vector<std::int64_t> starts = field_of(*part, "y").starts(7);
  const auto got = Forwarded(part, "y").run(std::span(x).subspan(7 * kChannels, 12 * kChannels), starts);
  for (std::size_t j = 0; j < got.size(); ++j) {
    for (std::size_t c = 0; c < 3; ++c) BOOST_TEST(std::abs(got[j][c] - expected[j + 7][c]) < 1e-5F);
  }
}

BOOST_AUTO_TEST_SUITE_END()
