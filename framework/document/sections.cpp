#include "document/sections.h"

namespace loom {
namespace {

void add_limits_of_training(SectionType<TrainEntry>& s) {
  s.key("early_stopping", &TrainEntry::early_stopping, integer().at_least(0),
        "evaluations without improvement of the monitor before training stops; 0: never");
  s.key("spike_factor", &TrainEntry::spike_factor, at_least(0),
        "skip a step whose gradient norm exceeds this multiple of its running mean; 0: never");
  s.key("skip_limit", &TrainEntry::skip_limit, integer().at_least(1),
        "skipped steps in a row before training stops with E304", "steps");
  s.key("data_init", &TrainEntry::data_init, text().or_list(),
        "patterns of the paths of weights, `*` for all: before the first step, the first batch scales them, and shifts "
        "the biases beside them, so that each channel of their node's output has mean 0 and variance 1");
  s.key("recompute", &TrainEntry::recompute, text().or_list(),
        "patterns of the paths of nodes whose outputs are not kept for the backward pass but computed again: less "
        "memory, more time, the same bits; one that begins with `!` excludes");
  s.key("reinitialise", &TrainEntry::reinitialise, text().or_list(),
        "patterns of the paths of parameters that are initialised again if a change of a running training job alters "
        "their shape; without a pattern such a change is refused (E807)");
}

}  // namespace

const SectionType<TrainEntry>& train_section() {
  static const SectionType<TrainEntry> section = [] {
    SectionType<TrainEntry> s("train");
    s.key("batch", &TrainEntry::batch, integer().at_least(1).at_most(kMaxBatch), "samples per step");
    s.key("steps", &TrainEntry::steps, integer().at_least(0).at_most(kMaxSteps), "total number of training steps");
    s.key("seed", &TrainEntry::seed, integer().at_least(0),
          "seed of the initial weights, the order of the data and the noise");
    s.form("optimizer", "a map: the type of an optimizer and its options",
           "the optimizer of objectives without their own optimizer");
    s.key("clip_norm", &TrainEntry::clip_norm, at_least(0), "bound on the norm of each objective's gradient; 0: none");
    s.key("clip_value", &TrainEntry::clip_value, at_least(0),
          "bound on the absolute value of each element of a gradient, after clip_norm; 0: none");
    s.key("accumulate", &TrainEntry::accumulate, integer().at_least(1).at_most(kMaxAccumulate),
          "batches of a step: it reads so many, one after the other, and updates once with the mean of their gradients",
          "batches");
    s.key("average", &TrainEntry::average, at_least(0).at_most(1),
          "decay of the moving average of the weights, which evaluation and sampling use; 0: none");
    s.key("eval_every", &TrainEntry::eval_every, integer().at_least(0),
          "steps between evaluations on held-out data; 0: only at the end", "steps");
    s.key("eval_limit", &TrainEntry::eval_limit, integer().at_least(0),
          "items of an evaluation; 0: the whole held-out split", "items");
    s.key("checkpoint_every", &TrainEntry::checkpoint_every, integer().at_least(0),
          "steps between checkpoints; 0: only at the end", "steps");
    s.key("keep", &TrainEntry::keep, integer().at_least(1),
          "number of latest checkpoints that are kept, in addition to the best");
    s.key(
        "encoder_steps", &TrainEntry::encoder_steps, integer().at_least(1),
        "updates of the encoder (the parameters that a divergence reaches) per update of the rest (He et al. 2019); 1: "
        "together; only without `objectives`");
    s.key("encoder_until", &TrainEntry::encoder_until, integer().at_least(0),
          "step at which encoder_steps ends; 0: never", "steps");
    s.form(
        "monitor", "a metric, or a map: {metric: perplexity, mode: max, split: test}",
        "what the best checkpoint is the best of, and early_stopping waits for; it counts from the step at which the "
        "weights of all losses have reached their final values");
    add_limits_of_training(s);
    return s;
  }();
  return section;
}

const SectionType<MonitorEntry>& monitor_section() {
  static const SectionType<MonitorEntry> section = [] {
    SectionType<MonitorEntry> s("train.monitor");
    s.key("metric", &MonitorEntry::metric, text(),
          "a loss, or a value that every evaluation measures (docs/measurements.md); default: the objective with the "
          "weights at the last step");
    s.key("mode", &MonitorEntry::mode, text({"min", "max"}), "whether the least or the greatest value is the best");
    s.key("split", &MonitorEntry::split, text({"train", "test", "validation"}),
          "where it is measured; default: validation if the data has that split, else test");
    return s;
  }();
  return section;
}

const SectionType<ObjectiveEntry>& objective_section() {
  static const SectionType<ObjectiveEntry> section = [] {
    SectionType<ObjectiveEntry> s("an objective");
    s.form(
        "losses", "a list of losses, or a map of losses and weights",
        "its terms; a weight, a number or a schedule, multiplies the weight of the loss; the name of a repeated loss "
        "means all of its instances");
    s.key("parameters", &ObjectiveEntry::parameters, text().or_list().or_map("{except: patterns}"),
          "patterns of the paths of the parameters that it updates; one that begins with `!` excludes, and so do those "
          "under `except`; default: all parameters that its losses reach");
    s.key("from", &ObjectiveEntry::from, integer().at_least(0), "the first step in which it updates", "steps");
    s.key("stop", &ObjectiveEntry::stop, integer().at_least(0), "the step from which on it updates no more; 0: never",
          "steps");
    s.key("every", &ObjectiveEntry::every, integer().at_least(1),
          "it updates in steps that are divisible by this number", "steps");
    s.key("until", &ObjectiveEntry::until, integer().at_least(0),
          "the step from which it updates in every step; 0: `every` always applies", "steps");
    s.form("only_if", "a map of losses and bounds: {gan.real_loss: {above: 0.3}}",
           "it updates only in steps in which the mean over the batch of each loss is within its bounds");
    s.form("optimizer", "a map: the type of an optimizer and its options", "default: that of `train`");
    return s;
  }();
  return section;
}

const SectionType<AverageEntry>& average_section() {
  static const SectionType<AverageEntry> section = [] {
    SectionType<AverageEntry> s("average");
    s.form("of", "a node or a block",
           "what it follows; without `type` and `use` it is a copy of it, which may have another `in`");
    s.key("decay", &AverageEntry::decay, at_least(0).at_most(1),
          "after each step, value += (1 - decay) (followed value - value), for parameters and states; the first values "
          "are the followed ones");
    return s;
  }();
  return section;
}

const SectionType<LossEntry>& loss_section() {
  static const SectionType<LossEntry> section = [] {
    SectionType<LossEntry> s("a loss");
    s.form("weight", "a number, or a schedule", "the weight of the term; it may be negative; default: 1");
    s.key("port", &LossEntry::port, text(), "the output of its node that is the term; default: the first");
    s.form("of", "a node, or node.port",
           "an existing output of a node that is the term, instead of a node for the loss");
    s.form("repeat", "an integer >= 0 and <= 10000",
           "so many losses `name/0`, `name/1`, ..., which are not chained: `${index}` is the number of each");
    s.form("expr", "a formula", "the term itself: short for `type: expr` with this `y`, see [Formulas](#formulas)");
    s.form("when", "train or eval", "the mode in which the term counts; default: both");
    s.form("mean", "a node, or node.port",
           "of a likelihood, such as a formula: the mean of its `target`; default: that of its node");
    s.form("drawn", "a node, or node.port",
           "of a likelihood, such as a formula: what draws its `target`; of a divergence: what draws from the prior; "
           "default: what its node says");
    s.key("role", &LossEntry::role, text({"likelihood", "divergence", "prior", "regulariser", "adversarial", "none"}),
          "what the term is in the evidence (docs/measurements.md); default: that of its node, or of the nodes that it "
          "is made of");
    return s;
  }();
  return section;
}

const SectionType<GenerateEntry>& generate_section() {
  static const SectionType<GenerateEntry> section = [] {
    SectionType<GenerateEntry> s("an entry of generate");
    s.form(
        "draw", "a map from ports to the nodes that replace them",
        "nodes to draw from instead of computing the ports; the default of an option `shape` is the shape of the port");
    s.form("iterate", "a map, or a list of maps",
           "ports that are computed by a sampler that iterates, before what is autoregressive");
    s.form("autoregressive", "a map, or a list of maps", "inputs that are filled position by position");
    s.form("feed", "a node, node.port, or a list of these", "ports whose values come from a file");
    s.form("show", "a node, node.port, or a map from columns of the data to these",
           "the port that is written; of a map, one port for each column; default: see below");
    s.key("likelihood", &GenerateEntry::likelihood, text({"mean", "draw"}),
          "what is shown of a likelihood: its mean, or a draw from it; default: the mean, and a draw where there is no "
          "mean, as of codes");
    return s;
  }();
  return section;
}

const Contract& optimizer_options() {
  static const Contract contract = [] {
    Contract c;
    c.option("lr", 1e-3, at_least(0).or_schedule(), "learning rate");
    return c;
  }();
  return contract;
}

void read_typed(Section& section, TypedEntry& entry, const std::vector<std::string>& apart) {
  const Value* type = entry.type.empty() ? &section.required("type") : section.get("type");
  section.read("type", entry.type);
  entry.where = section.value().where;
  entry.type_where = type != nullptr ? type->where : entry.where;
  for (const std::string& key : apart) section.get(key);
  read_options(section, entry);
}

void read_options(Section& section, TypedEntry& entry) {
  for (const Member* member : section.rest()) {
    if (member->value.is_null()) continue;
    OptionValue option = option_value(member->value, section.what() + "." + member->key, section.diagnostics());
    entry.options[member->key] = {std::move(option), member->value.where, member->where, {}, member->value.inherited};
  }
}

std::vector<Location> places_of(const Value* patterns) {
  std::vector<Location> places;
  if (patterns == nullptr) return places;
  if (patterns->kind != Value::Kind::sequence) return {patterns->where};
  for (const Value& pattern : patterns->items) places.push_back(pattern.where);
  return places;
}

Reference read_reference(const Value& value, const std::string& what, Diagnostics& diagnostics) {
  if (value.kind == Value::Kind::scalar && !value.broken) return {value.scalar, "", value.where};
  if (!value.broken) wrong_type(value, what, "a node, or node.port", diagnostics);
  return {};
}

ScheduleEntry read_schedule(const Value& value, const std::string& what, Diagnostics& diagnostics) {
  ScheduleEntry entry;
  if (value.is_map()) {
    Section section(value, what, diagnostics);
    entry.schedule.type = kDefaultSchedule;
    read_typed(section, entry.schedule);
    return entry;
  }
  entry.schedule.where = value.where;
  read_number(value, what, entry.number, std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max(),
              diagnostics);
  return entry;
}

OptimizerEntry read_optimizer(const Value& value, Diagnostics& diagnostics) {
  OptimizerEntry optimizer;
  optimizer.where = value.where;
  Section section(value, "optimizer", diagnostics);
  read_typed(section, optimizer, {"lr"});
  if (const Value* rate = section.get("lr")) optimizer.learning_rate = read_schedule(*rate, "lr", diagnostics);
  return optimizer;
}

std::vector<MetricEntry> read_metrics(const Value& value, Diagnostics& diagnostics) {
  std::vector<MetricEntry> metrics;
  Section section(value, "metrics", diagnostics);
  for (const Member* member : section.rest()) {
    MetricEntry entry;
    const std::string what = "metrics." + member->key;
    if (member->value.is_map()) {
      Section options(member->value, what, diagnostics);
      read_options(options, entry.metric);
    } else {
      bool on = true;
      section.read(member->key, on);
      entry.off = !on;
    }
    entry.metric.type = member->key;
    entry.metric.where = entry.metric.type_where = member->where;
    metrics.push_back(std::move(entry));
  }
  return metrics;
}

namespace {

MonitorEntry read_monitor(const Value& value, Diagnostics& diagnostics) {
  MonitorEntry monitor;
  monitor.where = value.where;
  if (value.kind == Value::Kind::scalar) {
    monitor.metric = value.scalar;
    return monitor;
  }
  Section section(value, monitor_section().name(), diagnostics);
  monitor_section().read(section, monitor);
  section.finish();
  return monitor;
}

}  // namespace

TrainEntry read_train(const Value* value, OptimizerEntry& optimizer, Diagnostics& diagnostics) {
  TrainEntry train;
  if (value == nullptr) return train;
  train.where = value->where;
  Section section(*value, "train", diagnostics);
  train_section().read(section, train);
  if (const Value* entry = section.get("optimizer")) optimizer = read_optimizer(*entry, diagnostics);
  train.data_init_places = places_of(section.get("data_init"));
  train.recompute_places = places_of(section.get("recompute"));
  if (const Value* entry = section.get("monitor")) train.monitor = read_monitor(*entry, diagnostics);
  section.finish();
  return train;
}

}  // namespace loom
