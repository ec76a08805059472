// graph-runner check: the gradient and shape checks of a node, without a graph around it.
#include <fmt/format.h>

#include <charconv>
#include <map>

#include "plugin/loader.h"
#include "runner/console.h"
#include "runner/verbs.h"
#include "testing/node_tester.h"

namespace loom::runner {
namespace {

struct Request {
  std::string node;
  std::vector<std::string> options, inputs;
  std::int64_t samples = 4, classes = 2;
  std::uint64_t seed = 1;
  bool evaluation = false;
};

constexpr std::int64_t kExtent = 3;  // of axes that nobody asked for

// An option's value as YAML would read it: a flag, a number, a text, or [a list].
OptionValue parse_value(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.starts_with('[') && text.ends_with(']')) {
    std::vector<OptionValue> items;
    for (std::size_t at = 1; at + 1 < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size() - 1);
      const std::size_t first = text.find_first_not_of(' ', at);
      items.push_back(parse_value(text.substr(first, end - first)));
      at = end + 1;
    }
    return items;
  }
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, problem] = std::from_chars(text.data(), end, integer); problem == std::errc() && at == end)
    return integer;
  double number = 0;
  if (const auto [at, problem] = std::from_chars(text.data(), end, number); problem == std::errc() && at == end)
    return number;
  return text;
}

// A shape that fits the pattern: letters are `kExtent`, options their value.
Shape shape_for(const PortDeclaration& port, const Options& options, std::int64_t samples) {
  Shape shape;
  for (const PatternItem& item : parse_pattern(port.pattern)) {
    if (item.kind == PatternItem::Kind::literal)
      shape.push_back(item.number);
    else if (item.kind == PatternItem::Kind::option)
      shape.push_back(options.has(item.name) ? options.integer(item.name) : kExtent);
    else
      shape.push_back(shape.rank() == 0 ? samples : kExtent);
  }
  return shape;
}

Tensor codes(const Shape& shape, std::int64_t classes) {
  Tensor tensor(DType::i32, shape);
  std::int64_t i = 0;
  for (std::int32_t& value : tensor.values<std::int32_t>()) value = static_cast<std::int32_t>((i++ * 7 + 3) % classes);
  return tensor;
}

void give_inputs(testing::NodeTester& tester, const Request& request, const Options& options) {
  std::map<std::string, Shape> given;
  for (const std::string& text : request.inputs) {
    const auto [port, extents] = name_and_value("check", "--input", text);
    if (tester.contract().input_index(port) < 0) {
      Diagnostic finding;
      finding.code = ErrorCode::usage;
      finding.message = fmt::format("{} has no input '{}'", request.node, port);
      finding.suggestion = nearest_name(port, tester.contract().input_names());
      throw Error(std::move(finding));
    }
    const std::vector<std::int64_t> numbers = extents_of("check", "--input", extents);
    given[port] = Shape(std::span<const std::int64_t>(numbers));
  }
  const auto give = [&](const std::string& name, const PortDeclaration& port, const Shape& shape) {
    if (port.type == DType::i32)
      tester.input(name, codes(shape, request.classes));
    else
      tester.random_input(name, shape);
  };
  for (const auto& [name, shape] : given)
    give(name, tester.contract().input_at(tester.contract().input_index(name)), shape);
  for (const PortDeclaration& port : tester.contract().inputs()) {
    if (port.is_variadic) {
      for (int i = 0; given.empty() && i < 2; ++i)
        give(tester.contract().input_name(i), port, shape_for(port, options, request.samples));
    } else if (!port.is_optional && given.count(port.name) == 0) {
      give(port.name, port, shape_for(port, options, request.samples));
    }
  }
}

int check(const Request& request, bool json) {
  const auto registry = load_standard_registry();
  testing::NodeTester tester(*registry, request.node);
  Options options;
  for (const OptionDeclaration& declared : tester.contract().options()) {
    if (!declared.default_value.empty()) options.set(declared.name, declared.default_value);
  }
  for (const std::string& text : request.options) {
    const auto [name, value] = name_and_value("check", "--set", text);
    tester.option(name, parse_value(value));
    options.set(name, parse_value(value));
  }
  give_inputs(tester, request, options);
  tester.seed(request.seed);
  if (request.evaluation) tester.evaluation();
  if (tester.contract().inputs().empty()) tester.samples(request.samples);

  const std::vector<Shape> outputs = tester.output_shapes();
  const testing::Report report = tester.check();
  if (json) {
    nlohmann::ordered_json shapes = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < outputs.size(); ++i) shapes[tester.contract().outputs()[i].name] = outputs[i].text();
    print_json({{"node", request.node},
                {"ok", report.ok()},
                {"checks", report.checks},
                {"outputs", shapes},
                {"failures", report.failures}});
    return report.ok() ? kOk : kFailed;
  }
  for (std::size_t i = 0; i < outputs.size(); ++i)
    print("{}  {}\n", tester.contract().outputs()[i].name, outputs[i].text());
  if (report.ok())
    print("ok: {} checks of {}: gradients, repeatability, shards at once\n", report.checks, request.node);
  else
    print("{}", report.text());
  return report.ok() ? kOk : kFailed;
}

}  // namespace

void add_check(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "check", "Check a node: its gradients, its shapes, shards at once",
                            "graph-runner check conv --set filters=4 --set kernel=3 --input x=2,8,8,3");
  auto request = std::make_shared<Request>();
  verb->add_option("NODE", request->node, "a node type")->required();
  verb->add_option("--set", request->options, "an option of the node: NAME=VALUE")->allow_extra_args(false);
  verb->add_option("--input", request->inputs,
                   "the shape of an input, samples first: NAME=4,28,28,1; others get a small one that fits")
      ->allow_extra_args(false);
  verb->add_option("--samples", request->samples, "samples of inputs that --input leaves out")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--classes", request->classes, "inputs of codes hold 0 to this - 1")
      ->check(at_least(1))
      ->capture_default_str();
  verb->add_option("--seed", request->seed, "seed of a node that draws")->capture_default_str();
  verb->add_flag("--eval", request->evaluation, "check it as in evaluation, not as in training");
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return check(*request, invocation.json); };
  });
}

}  // namespace loom::runner
