#include "live/trial.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "data/batches.h"
#include "io/safetensors.h"
#include "loom/check.h"
#include "loom/error.h"
#include "run/program.h"
#include "train/checkpoint.h"
#include "train/feeds.h"
#include "train/session.h"

namespace loom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::int64_t kCheckSamples = 2;
constexpr int kCheckElements = 6;         // of each tensor
constexpr double kCheckTolerance = 2e-2;  // relative to the largest gradient; wrong formulas have larger errors
constexpr int kCheckShards = 4;
constexpr double kCheckSeconds = 10;  // for the gradients of all nodes; large nodes are checked at fewer elements

// A limit, so that a candidate cannot use up the memory of the training job. Sanitizers reserve more than any limit.
void limit_memory([[maybe_unused]] std::uint64_t bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit limit{bytes, bytes};
  if (bytes > 0) setrlimit(RLIMIT_DATA, &limit);
#endif
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
}

// The training job, which runs meanwhile, removes older checkpoints, and those that it only keeps during an evaluation: where
// one is gone there is a newer one, or for now none. Null then: the trial begins with initial values, as before the first.
std::unique_ptr<SafetensorsFile> open_this_or_newer(const std::string& checkpoint) {
  constexpr int kAttempts = 5;
  std::string path = checkpoint;
  for (int attempt = 1;; ++attempt) {
    try {
      return std::make_unique<SafetensorsFile>(path);
    } catch (const Error&) {
      const auto all = list_checkpoints(fs::path(checkpoint).parent_path().string());
      std::error_code ignored;
      const bool is_gone = !fs::exists(path, ignored);
      if (is_gone && (all.empty() || attempt == kAttempts)) return nullptr;
      if (attempt == kAttempts || all.empty() || all.back().second == path) throw;
      path = all.back().second;
    }
  }
}

// Takes the weights of a checkpoint that fit, and its position in the data and the schedules.
void load_what_fits(const std::string& checkpoint, Session& session) {
  if (checkpoint.empty()) return;
  const auto opened = open_this_or_newer(checkpoint);
  if (!opened) return;
  const SafetensorsFile& file = *opened;
  session.state().start_at(CheckpointInfo::from_metadata(file.metadata(), checkpoint).step);
  ParameterStore& store = session.parameters();
  for (Parameter& item : store.items()) {
    if (file.entries().contains(item.path) && file.has_shape(item.path, item.value.shape()))
      file.read(item.path, item.value.view());
  }
  store.touch();
}

// The first node of each type to check, with the tensors of its inputs.
struct Subject {
  int node = -1;
  std::vector<Tensor> inputs;  // in the order of the node's inputs; no axes if not connected
};

std::vector<Subject> subjects_of(const Graph& graph, const std::vector<std::string>& types) {
  std::vector<Subject> subjects;
  std::set<std::string> seen;
  for (int i = 0; i < graph.size(); ++i) {
    const GraphNode& node = graph.node(i);
    if (node.is_input() || std::ranges::find(types, node.type->name) == types.end()) continue;
    std::string key = node.type->name;
    for (const auto& [name, value] : node.options.values()) key += ' ' + name + '=' + value.text();
    if (seen.insert(key).second) subjects.push_back({i, {}});
  }
  return subjects;
}

Tensor copy_of(const TensorView& view) {
  Tensor copy(view.dtype(), view.shape());
  std::memcpy(copy.view().raw(), view.raw(), view.bytes());
  return copy;
}

void fetch_inputs(Session& session, std::vector<Subject>& subjects) {
  const Graph& graph = *session.graph();
  std::vector<Port> ports;
  for (const Subject& subject : subjects) {
    for (const Port& port : graph.node(subject.node).inputs) {
      const Port source = port.valid() ? graph.effective(port, true) : port;
      if (source.valid() && std::ranges::find(ports, source) == ports.end()) ports.push_back(source);
    }
  }
  if (ports.empty()) return;
  const FeedPlan feeds = plan_feeds(graph, ports, true, session.training_data().source()->columns());
  ProgramRequest request;
  request.training = true;
  request.feeds = feeds.ports;
  request.fetch = ports;
  request.batch = request.shard = kCheckSamples;
  request.lanes = 1;
  Program program(session.graph(), session.parameters(), session.executor(), std::move(request));
  Batches batches(session.training_data().source(), feeds.requests, kCheckSamples, session.seed(), true);
  const Batches::View view = batches.next();
  program.run({.feeds = view.columns, .weights = {}, .samples = view.samples, .seed = session.seed(), .step = 0});
  for (Subject& subject : subjects) {
    for (const Port& port : graph.node(subject.node).inputs) {
      const Port fetched = port.valid() ? graph.effective(port, true) : port;
      const auto at = std::ranges::find(ports, fetched) - ports.begin();
      subject.inputs.push_back(port.valid() ? copy_of(program.fetched(static_cast<int>(at))) : Tensor());
    }
  }
}

std::size_t at(const GraphParameter& tensor) { return static_cast<std::size_t>(tensor.declaration); }

check::Report check(const Registry& registry, const Session& session, const Subject& subject,
                    const ParameterStore& store, double seconds) {
  const GraphNode& node = session.graph()->node(subject.node);
  check::NodeTester tester(registry, node.type->name);
  for (const auto& [name, value] : node.options.values()) {
    if (!value.empty()) tester.option(name, value);
  }
  for (std::size_t i = 0; i < subject.inputs.size(); ++i) {
    if (subject.inputs[i].shape().rank() > 0)
      tester.input(node.contract().input_name(static_cast<int>(i)), subject.inputs[i].clone());
  }
  for (const GraphParameter& parameter : node.parameters) {
    if (const int index = store.find(parameter.path); index >= 0)
      tester.parameter(node.contract().parameters()[at(parameter)].name, store.at(index).value.clone());
  }
  for (const GraphParameter& state : node.states) {
    if (const int index = store.find(state.path); index >= 0)
      tester.state(node.contract().states()[at(state)].name, store.at(index).value.clone());
  }
  tester.samples(kCheckSamples);  // an input may have several rows per sample
  check::Report report = tester.check_repeatable();
  report.add(tester.check_gradients({kCheckTolerance, kCheckElements, seconds}));
  report.add(tester.check_shards(kCheckShards));
  return report;
}

// The subject of a failure, without its numbers: "gradient of parameter 'bias'", "4 shards at once".
std::string topic_of(const std::string& failure) { return failure.substr(0, failure.find_first_of(",:")); }

// The failures of the same types in their current versions; new types have none.
std::set<std::string> failed_before(const TrialRequest& request, const Session& session, const Subject& subject,
                                    const ParameterStore& store, double seconds) {
  std::set<std::string> topics;
  const auto registry = open_libraries(request.before);
  if (!registry->node(session.graph()->node(subject.node).type->name)) return topics;
  try {
    for (const std::string& failure : check(*registry, session, subject, store, seconds).failures)
      topics.insert(topic_of(failure));
  } catch (const Error&) {  // it had different ports or options
  }
  return topics;
}

void check_types(const TrialRequest& request, const Registry& registry, Session& session) {
  std::vector<Subject> subjects = subjects_of(*session.graph(), request.check);
  fetch_inputs(session, subjects);
  const double seconds = kCheckSeconds / static_cast<double>(subjects.size());
  Diagnostics findings;
  for (const Subject& subject : subjects) {
    const check::Report report = check(registry, session, subject, session.parameters(), seconds);
    if (report.ok()) continue;
    const std::set<std::string> known = failed_before(request, session, subject, session.parameters(), seconds);
    const GraphNode& node = session.graph()->node(subject.node);
    for (const std::string& failure : report.failures) {
      if (known.contains(topic_of(failure))) continue;
      findings
          .add(ErrorCode::node_check_failed, node.where,
               fmt::format("[{}] '{}': {}", node.type->name, node.path, failure))
          .hint = "graph-runner check repeats it";
    }
  }
  findings.throw_if_any();
}

void make_step(Session& session) {
  const StepReport report = session.step();
  if (report.is_finite()) return;
  Diagnostic finding;
  finding.code = ErrorCode::candidate_not_finite;
  finding.where = {session.document().file, 0, 0};
  finding.message = "a step on real data is not finite";
  finding.got = fmt::format("a loss of {}", report.loss);
  for (std::size_t t = 0; t < report.terms.size(); ++t) {
    if (session.plan().terms[t].in_training && !std::isfinite(report.terms[t]))
      finding.got += fmt::format(", '{}' is {}", session.plan().terms[t].name, report.terms[t]);
  }
  finding.expected = "finite losses and gradients";
  throw Error(std::move(finding));
}

Json json_of(const std::vector<LibraryFile>& libraries) {
  Json list = Json::array();
  for (const LibraryFile& library : libraries) list.push_back({library.file, library.opened});
  return list;
}

std::vector<LibraryFile> libraries_from(const Json& json) {
  std::vector<LibraryFile> libraries;
  for (const Json& one : json) libraries.push_back({one.at(0).get<std::string>(), one.at(1).get<std::string>()});
  return libraries;
}

}  // namespace

std::string TrialRequest::to_json() const {
  const Json json = {{"libraries", json_of(libraries)},
                     {"before", json_of(before)},
                     {"check", check},
                     {"document", document},
                     {"name", name},
                     {"settings", settings.to_json()},
                     {"checkpoint", checkpoint},
                     {"memory", memory}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

TrialRequest TrialRequest::from_json(const std::string& text) {
  const Json json = Json::parse(text);
  TrialRequest request;
  request.libraries = libraries_from(json.at("libraries"));
  request.before = libraries_from(json.at("before"));
  request.check = json.at("check").get<std::vector<std::string>>();
  request.document = json.at("document").get<std::string>();
  request.name = json.at("name").get<std::string>();
  request.settings = RunSettings::from_json(json.at("settings").get<std::string>(), "the trial's settings");
  request.checkpoint = json.at("checkpoint").get<std::string>();
  request.memory = json.at("memory").get<std::uint64_t>();
  return request;
}

void run_trial(const TrialRequest& request) {
  limit_memory(request.memory);
  const auto registry = open_libraries(request.libraries);
  Document document = parse_document(request.document, request.name, "");
  SessionSettings settings;
  settings.threads = 1;  // the cores are used by the training job
  Session session(std::move(document), *registry, settings_of(request.settings, std::move(settings)));
  load_what_fits(request.checkpoint, session);
  check_types(request, *registry, session);
  make_step(session);
}

}  // namespace loom
