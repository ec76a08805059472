#include "generate/recording_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "data/batches.h"
#include "generate/pass.h"
#include "train/feeds.h"

namespace loom {
namespace {

// A model that is opened at the length of the windows of a plan, with what is computed of it.
struct Opened {
  ModelSource model;
  std::shared_ptr<const DataSource> source;
  Encodings encodings;
  std::vector<ReceptiveField> fields;  // of the ports

  Opened(const RecordingRequest& request, const RecordingValues& values, const WindowPlan& plan)
      : model(request.open()),
        source(std::make_shared<DataSource>(values.name, "all", std::make_unique<RecordingWindows>(values, plan))) {
    model.fit(*source);
    encodings = request.wanted(model);
    const std::vector<Port> inputs = timed_inputs(values);
    for (const Port& port : encodings.ports) fields.emplace_back(*encodings.graph, inputs, port);
  }

  // The inputs whose positions are those of the recording.
  std::vector<Port> timed_inputs(const RecordingValues& values) const {
    const Graph& graph = *encodings.graph;
    const std::vector<int> inputs = needed_inputs(graph, encodings.ports, false);
    const std::vector<std::string> columns = columns_of(graph, inputs, source->columns());
    std::vector<Port> timed;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto column = std::ranges::find(values.columns, columns[i], &Column::name);
      if (column != values.columns.end() && values.follows[static_cast<std::size_t>(column - values.columns.begin())])
        timed.push_back({inputs[i], 0});
    }
    return timed;
  }

  Shape event(std::size_t i) const { return encodings.event(i); }
};

std::string obstacle_of(const Opened& opened) {
  for (const ReceptiveField& field : opened.fields) {
    if (!field.is_local()) return field.obstacle();
  }
  return "";
}

// "" if the graph of the windows is that of the whole, shorter: a document may fix a length elsewhere than in an input.
std::string difference(const Opened& whole, const Opened& cut, const WindowPlan& plan) {
  for (std::size_t i = 0; i < whole.fields.size(); ++i) {
    const ReceptiveField& field = whole.fields[i];
    const std::int64_t shorter = (plan.whole - plan.window) / field.down() * field.up();
    const Shape one = whole.event(i), other = cut.event(i);
    if (other.rank() != one.rank() || other[0] != one[0] - shorter || !field.is_like(cut.fields[i]))
      return fmt::format("'{}' does not follow the length of its input", whole.encodings.names()[i]);
    for (const Port& port : field.constants()) {
      if (!(whole.encodings.graph->shape(port) == cut.encodings.graph->shape(port)))
        return fmt::format("'{}' has the length of the recording and does not depend on it",
                           whole.encodings.graph->name_of(port));
    }
  }
  return "";
}

// Whether anything on the way to the ports draws.
bool draws(const Graph& graph, const std::vector<Port>& ports) {
  std::set<int> seen;
  std::vector<Port> open = ports;
  while (!open.empty()) {
    const int index = graph.effective(open.back(), false).node;
    open.pop_back();
    if (!seen.insert(index).second) continue;
    const GraphNode& node = graph.node(index);
    if (node.contract().is_stochastic(false)) return true;
    std::ranges::copy_if(node.inputs, std::back_inserter(open), &Port::valid);
  }
  return false;
}

// The positions of a port that are results, of the whole: those of the recording, not of what it was padded with.
std::int64_t results_of(const Opened& whole, std::size_t i, std::int64_t frames) {
  const ReceptiveField& field = whole.fields[i];
  const Shape event = whole.event(i);
  if (event.rank() == 0) return 1;
  if (!field.is_local()) return event[0];
  return std::min(event[0], (frames * field.up() + field.down() - 1) / field.down());
}

std::vector<RecordingArray> arrays_of(const Opened& whole, std::int64_t frames) {
  std::vector<RecordingArray> arrays;
  const std::vector<std::string> names = whole.encodings.names();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Port port = whole.encodings.ports[i];
    Shape shape = whole.encodings.graph->shape(port).at_batch(1);
    if (shape.rank() > 1) shape[1] = results_of(whole, i, frames);
    arrays.push_back({port, names[i], whole.encodings.graph->dtype(port), shape});
  }
  return arrays;
}

class Runner {
 public:
  Runner(const Opened& opened, const WindowPlan& plan, const RecordingRequest& request, const RecordingSink& sink)
      : opened_(opened), plan_(plan), request_(request), sink_(sink) {}

  void run(Executor& executor, const std::vector<RecordingArray>& arrays) {
    const Encodings& wanted = opened_.encodings;
    FeedPlan feeds = plan_feeds(*wanted.graph, wanted.ports, false, opened_.source->columns());
    const bool draw = draws(*wanted.graph, wanted.ports);
    const std::int64_t batch = draw ? 1 : std::min<std::int64_t>(plan_.count, executor.threads());
    Pass pass(opened_.model, executor,
              {.graph = wanted.graph,
               .weights = opened_.model.parameters(*wanted.graph),
               .feeds = feeds.ports,
               .fetch = wanted.ports,
               .batch = batch});
    Batches batches(opened_.source, std::move(feeds.requests), batch, request_.seed, false);
    sink_.begin(arrays);
    for (std::int64_t done = 0; done < plan_.count;) {
      const Batches::View view = batches.next();
      const std::vector<std::int64_t> starts = draw ? starts_of(done) : std::vector<std::int64_t>();
      pass.run(view.columns, view.samples, request_.seed ^ kDrawSeed, 0, starts);
      for (std::size_t i = 0; i < arrays.size(); ++i) {
        for (std::int64_t n = 0; n < view.samples; ++n)
          add(i, done + n, pass.fetched(static_cast<int>(i)).rows(n, 1), arrays[i]);
      }
      done += view.samples;
    }
  }

 private:
  // Per node, over the ways to all ports.
  std::vector<std::int64_t> starts_of(std::int64_t window) const {
    if (plan_.count == 1) return {};
    std::vector<std::int64_t> starts;
    for (const ReceptiveField& field : opened_.fields) {
      const std::vector<std::int64_t> own = field.starts(plan_.start(window));
      starts.resize(own.size(), 0);
      for (std::size_t i = 0; i < own.size(); ++i) starts[i] = std::max(starts[i], own[i]);
    }
    return starts;
  }

  // What is kept of a window, [1, ...]: until the results end.
  void add(std::size_t i, std::int64_t window, const TensorView& values, const RecordingArray& array) const {
    Shape shape = values.shape();
    if (shape.rank() < 2) return sink_.add(i, values, opened_.model, *opened_.encodings.graph);
    std::int64_t first = 0, last = array.shape[1];  // of the whole
    if (plan_.count > 1) {
      const ReceptiveField& field = opened_.fields[i];
      const auto output = [&](std::int64_t input) { return input / field.down() * field.up(); };
      const std::int64_t begin = output(plan_.start(window)), kept = output(plan_.kept(window));
      if (window + 1 < plan_.count) last = std::min(last, output(plan_.kept(window + 1)));
      first = kept - begin, last -= begin;
    }
    if (last <= first) return;
    const std::int64_t row = shape.count_from(2) * static_cast<std::int64_t>(size_of(values.dtype()));
    shape[1] = last - first;
    sink_.add(i, {values.dtype(), shape, static_cast<std::byte*>(values.raw()) + first * row}, opened_.model,
              *opened_.encodings.graph);
  }

  const Opened& opened_;
  const WindowPlan& plan_;
  const RecordingRequest& request_;
  const RecordingSink& sink_;
};

std::vector<std::string> columns_read(const Opened& opened) {
  std::vector<std::string> columns;
  const Encodings& wanted = opened.encodings;
  for (const ColumnRequest& request : plan_feeds(*wanted.graph, wanted.ports, false, opened.source->columns()).requests)
    columns.push_back(request.column);
  return columns;
}

}  // namespace

RecordingRun run_recording(const RecordingRequest& request, const Recording& recording, Executor& executor,
                           const RecordingSink& sink) {
  RecordingRun run{{.whole = recording.rounded, .window = recording.rounded}, ""};
  std::unique_ptr<Opened> cut;
  RecordingValues values = describe_recording(request.model, recording);
  const auto whole = std::make_unique<Opened>(request, values, run.plan);
  run.obstacle = obstacle_of(*whole);
  if (run.obstacle.empty()) {
    const WindowPlan plan = plan_windows(whole->fields, recording.rounded, recording.piece, request.core);
    if (plan.count > 1) {
      cut = std::make_unique<Opened>(request, values, plan);
      run.obstacle = difference(*whole, *cut, plan);
      if (run.obstacle.empty()) run.plan = plan;
    }
  }
  const std::int64_t core = request.core > 0 ? request.core : window_core(recording.piece, 0);
  if (!run.obstacle.empty() && recording.rounded > core && request.notice)
    request.notice(
        fmt::format("recordings are computed in one piece, and memory grows with their length: {}", run.obstacle));
  const Opened& opened = run.plan.count > 1 ? *cut : *whole;
  read_recording(request.model, recording, columns_read(opened), values);
  Runner(opened, run.plan, request, sink).run(executor, arrays_of(*whole, recording.frames));
  return run;
}

}  // namespace loom
