#include "generate/feeds.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom {
namespace {

Tensor as_floats(const TensorView& values) {
  Tensor floats(DType::f32, values.shape());
  if (values.dtype() == DType::i32)
    std::ranges::copy(values.values<std::int32_t>(), floats.values().begin());
  else
    std::ranges::copy(values.values<std::uint8_t>(), floats.values().begin());
  return floats;
}

Tensor as_codes(const TensorView& values) {
  Tensor codes(DType::i32, values.shape());
  std::ranges::copy(values.values<std::uint8_t>(), codes.values<std::int32_t>().begin());
  return codes;
}

void own(Feed& feed, Tensor values) {
  feed.values = std::move(values);
  feed.given = {};
}

// The input port "z.noise" as node and index; -1 if the name means something else.
std::pair<int, int> input_port(const Graph& graph, const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return {-1, -1};
  const int node = graph.find_named(name.substr(0, dot));
  if (node < 0) return {-1, -1};
  const std::string port = name.substr(dot + 1);
  const Contract& contract = graph.node(node).contract();
  if (contract.output_index(port) >= 0) return {-1, -1};  // an output is fed directly
  return {node, contract.input_index(port)};
}

// The error for a name that is not a port: both kinds of ports can be fed.
Error unknown_feed(const Graph& graph, const Feed& feed) {
  Diagnostic finding;
  finding.code = ErrorCode::bad_feed;
  finding.message = fmt::format("{}: there is no such port", feed.option);
  finding.got = feed.name;
  std::vector<std::string> names;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (node.inputs.empty()) names.push_back(node.path);
    for (const std::string& port : node.contract().input_names()) names.push_back(node.path + "." + port);
    for (const std::string& port : node.contract().output_names()) names.push_back(node.path + "." + port);
  }
  finding.suggestion = nearest_name(feed.name, names);
  finding.expected = "an input of the graph, an output port or an input port, as in x, q.mu or z.noise";
  return Error(std::move(finding));
}

// The place of the first value that is not in the range; a NaN is in no range. -1: all are.
std::int64_t first_outside(const TensorView& values, const ValueRange& range) {
  const auto find = [&](auto span) {
    const auto outside = [&](auto value) {
      const auto number = static_cast<double>(value);
      return !(number >= range.minimum && number <= range.maximum);
    };
    const auto it = std::ranges::find_if(span, outside);
    return it == span.end() ? std::int64_t{-1} : static_cast<std::int64_t>(it - span.begin());
  };
  return values.dtype() == DType::i32 ? find(values.values<std::int32_t>()) : find(values.values());
}

bool is_output_port(const Graph& graph, const std::string& name) {
  try {
    graph.port(name, ErrorCode::bad_feed);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::shared_ptr<const Graph> place_feeds(Rewrite& rewrite, std::vector<Feed>& feeds) {
  std::vector<std::string> names;
  for (const Feed& feed : feeds) {
    const auto [node, input] = input_port(rewrite.graph(), feed.name);
    if (input < 0) {
      if (!is_output_port(rewrite.graph(), feed.name)) throw unknown_feed(rewrite.graph(), feed);
      names.push_back(feed.name);
      continue;
    }
    const DType declared = rewrite.graph().node(node).contract().input_at(input).type;
    names.push_back(rewrite.feed_input(node, input, feed.view().shape().event(), declared));
  }
  std::shared_ptr<const Graph> graph = rewrite.build();
  for (std::size_t i = 0; i < feeds.size(); ++i) feeds[i].port = graph->port(names[i], ErrorCode::bad_feed);
  return graph;
}

Error bad_feed(const Feed& feed, std::string message, std::string got, std::string expected) {
  Diagnostic finding;
  finding.code = ErrorCode::bad_feed;
  finding.where.file = feed.file;
  finding.message = fmt::format("{}: {}", feed.option, message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  return Error(std::move(finding));
}

std::int64_t fit_feeds(const Graph& graph, std::vector<Feed>& feeds, std::vector<TensorView>& views) {
  std::int64_t samples = 0;
  for (Feed& feed : feeds) {
    const DType wanted = graph.dtype(feed.port), got = feed.view().dtype();
    if (wanted == DType::f32 && got != DType::f32)
      own(feed, as_floats(feed.view()));
    else if (wanted == DType::i32 && got == DType::u8)
      own(feed, as_codes(feed.view()));
    else if (wanted != got)
      throw bad_feed(feed, "the values have the wrong type", std::string(name_of(got)), std::string(name_of(wanted)));
    const Shape& shape = graph.shape(feed.port);
    if (!shape.per_sample()) throw bad_feed(feed, "this port has no batch axis", shape.text(), "a port of [N, ...]");
    const std::int64_t rows = feed.view().shape().rank() > 0 ? feed.view().shape()[0] : 0, each = -shape[0];
    if (rows == 0 || rows % each != 0 || feed.view().count() / rows != shape.event().count()) {
      throw bad_feed(feed, "the values have the wrong shape", feed.view().shape().text(), shape.text());
    }
    if (samples != 0 && rows / each != samples) {
      throw bad_feed(feed, "these values have a different number of samples", std::to_string(rows / each),
                     std::to_string(samples));
    }
    samples = rows / each;
    views.emplace_back(wanted, shape.at_batch(samples), feed.view().raw());
  }
  return samples > 0 ? samples : 1;
}

void check_values(const std::vector<Feed>& feeds, const std::vector<TensorView>& views,
                  const std::map<int, std::vector<ValueRange>>& ranges) {
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    const auto accepted = ranges.find(feeds[i].port.node);
    if (accepted == ranges.end()) continue;
    for (const ValueRange& range : accepted->second) {
      if (range.masked) continue;
      const std::int64_t place = first_outside(views[i], range);
      if (place < 0) continue;
      const auto at = static_cast<std::size_t>(place);
      const double value = views[i].dtype() == DType::i32 ? views[i].values<std::int32_t>()[at]
                                                          : static_cast<double>(views[i].values()[at]);
      Error error =
          bad_feed(feeds[i], "values that the graph does not accept",
                   fmt::format("{} in item {}", value, place / views[i].per_sample()),
                   fmt::format("values in [{}, {}], which {} accepts", range.minimum, range.maximum, range.reader));
      Diagnostic finding = error.diagnostics().front();
      finding.code = ErrorCode::out_of_range;
      finding.hint = range.remedy;
      finding.other = range.where;
      finding.other_role = range.reader;
      throw Error(std::move(finding));
    }
  }
}

}  // namespace loom
