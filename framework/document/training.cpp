#include "document/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "document/section.h"

namespace loom {
namespace {

constexpr double kLowest = std::numeric_limits<double>::lowest();

void read_integers(Section& section, const std::string& key, std::vector<std::int64_t>& out) {
  const Value* value = section.get(key);
  if (value == nullptr) return;
  for (const Value& item : value->items) {
    const OptionValue scalar = item.kind == Value::Kind::scalar ? scalar_value(item) : OptionValue();
    if (const auto* integer = std::get_if<std::int64_t>(&scalar))
      out.push_back(*integer);
    else
      wrong_type(item, key, "an integer", section.diagnostics());
  }
  if (value->kind != Value::Kind::sequence) wrong_type(*value, key, "a list of integers", section.diagnostics());
}

Schedule::Kind kind_of(const Value* type, Diagnostics& diagnostics) {
  static const std::vector<std::pair<std::string, Schedule::Kind>> kKinds = {{"linear", Schedule::Kind::linear},
                                                                             {"cosine", Schedule::Kind::cosine},
                                                                             {"step", Schedule::Kind::step},
                                                                             {"multi_step", Schedule::Kind::multi_step},
                                                                             {"constant", Schedule::Kind::constant}};
  if (type == nullptr) return Schedule::Kind::linear;
  std::vector<std::string> names;
  for (const auto& [name, kind] : kKinds) {
    if (type->scalar == name) return kind;
    names.push_back(name);
  }
  if (type->kind == Value::Kind::scalar && !type->broken) {
    Diagnostic& finding =
        diagnostics.add(ErrorCode::out_of_range, type->where, fmt::format("there is no schedule '{}'", type->scalar));
    finding.expected = "one of linear, cosine, step, multi_step, constant";
    finding.suggestion = nearest_name(type->scalar, names);
  } else {
    wrong_type(*type, "a schedule's type", "linear, cosine, step, multi_step or constant", diagnostics);
  }
  return Schedule::Kind::linear;
}

void read_terms(const Value& value, const std::vector<LossEntry>& losses, ObjectiveEntry& objective,
                Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const LossEntry& loss : losses) names.push_back(loss.name);
  const auto add = [&](const std::string& name, const Location& where, Schedule weight) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      Diagnostic& finding =
          diagnostics.add(ErrorCode::dangling_input, where, fmt::format("there is no loss '{}'", name));
      for (const std::string& one : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + one;
      finding.suggestion = nearest_name(name, names);
      return;
    }
    for (const auto& [other, unused] : objective.losses) {
      if (other != name) continue;
      diagnostics.add(ErrorCode::duplicate_key, where, fmt::format("the loss '{}' is named twice", name)).expected =
          "each loss once, with a weight";
      return;
    }
    objective.losses.emplace_back(name, std::move(weight));
  };
  if (value.is_map()) {
    for (const Member& member : value.members) {
      add(member.key, member.where,
          read_schedule(member.value, "the weight of '" + member.key + "'", kLowest, diagnostics));
    }
  } else if (value.kind == Value::Kind::sequence) {
    for (const Value& item : value.items) {
      if (item.kind == Value::Kind::scalar)
        add(item.scalar, item.where, Schedule::constant(1));
      else
        wrong_type(item, "a loss of an objective", "the name of a loss; weights need a map: {name: weight}",
                   diagnostics);
    }
  } else if (!value.is_null()) {
    wrong_type(value, "losses", "a list of losses, or a map of losses and weights", diagnostics);
  }
}

void read_patterns(const Value& patterns, const std::string& key, std::vector<std::string>& texts,
                   std::vector<Location>& places, Diagnostics& diagnostics) {
  const auto add = [&](const Value& pattern) {
    if (pattern.kind == Value::Kind::scalar) {
      texts.push_back(pattern.scalar);
      places.push_back(pattern.where);
    } else {
      wrong_type(pattern, key, "patterns over parameter paths: [\"encoder/*\", q]", diagnostics);
    }
  };
  if (patterns.kind != Value::Kind::sequence) return add(patterns);
  for (const Value& pattern : patterns.items) add(pattern);
}

void read_conditions(const Value& value, const std::vector<LossEntry>& losses, ObjectiveEntry& objective,
                     Diagnostics& diagnostics) {
  if (!value.is_map()) {
    wrong_type(value, "only_if", "a map of losses and bounds: {gan.real_loss: {above: 0.3}}", diagnostics);
    return;
  }
  std::vector<std::string> names;
  for (const LossEntry& loss : losses) names.push_back(loss.name);
  for (const Member& member : value.members) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    ConditionEntry condition{member.key.substr(0, member.key.find('.')), "", -kInfinity, kInfinity, member.where};
    if (condition.loss.size() < member.key.size()) condition.port = member.key.substr(condition.loss.size() + 1);
    if (std::find(names.begin(), names.end(), condition.loss) == names.end()) {
      Diagnostic& finding = diagnostics.add(ErrorCode::dangling_input, member.where,
                                            fmt::format("there is no loss '{}'", condition.loss));
      for (const std::string& one : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + one;
      finding.suggestion = nearest_name(condition.loss, names);
      continue;
    }
    Section bounds(member.value, fmt::format("the condition '{}'", member.key), diagnostics);
    bounds.read("above", condition.above, kLowest);
    bounds.read("below", condition.below, kLowest);
    if (member.value.is_map() && member.value.members.empty())
      diagnostics.add(ErrorCode::missing_key, member.where, fmt::format("'{}' has no bound", member.key)).expected =
          "above, below or both";
    bounds.finish();
    objective.only_if.push_back(std::move(condition));
  }
}

}  // namespace

Schedule read_schedule(const Value& value, const std::string& what, double minimum, Diagnostics& diagnostics) {
  Schedule schedule;
  if (!value.is_map()) {
    double number = 0;
    read_number(value, what, number, minimum, std::numeric_limits<double>::max(), diagnostics);
    return Schedule::constant(number);
  }
  Section section(value, what, diagnostics);
  schedule.kind = kind_of(section.get("type"), diagnostics);
  section.required("from");
  section.read("from", schedule.from, minimum);
  schedule.to = schedule.from;
  section.read("warmup", schedule.warmup, 0);
  const bool ramp = schedule.kind == Schedule::Kind::linear || schedule.kind == Schedule::Kind::cosine;
  if (ramp) {
    section.required("to");
    section.read("to", schedule.to, minimum);
    section.required("over");
    section.read("over", schedule.over, 1);
    section.read("after", schedule.after, 0);
  } else if (schedule.kind == Schedule::Kind::step) {
    section.required("every");
    section.read("every", schedule.every, 1);
    section.required("factor");
    section.read("factor", schedule.factor, 0);
  } else if (schedule.kind == Schedule::Kind::multi_step) {
    section.required("at");
    read_integers(section, "at", schedule.at);
    section.required("factor");
    section.read("factor", schedule.factor, 0);
  }
  section.finish();
  return schedule;
}

OptimizerEntry read_optimizer(const Value& value, Diagnostics& diagnostics) {
  OptimizerEntry optimizer;
  optimizer.where = value.where;
  Section section(value, "optimizer", diagnostics);
  static const std::vector<std::string> kTypes = {"adam", "adamw", "sgd", "rmsprop", "adamax"};
  section.read("type", optimizer.type);
  bool known = true;
  if (std::find(kTypes.begin(), kTypes.end(), optimizer.type) == kTypes.end()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::out_of_range, section.get("type")->where,
                                          fmt::format("there is no optimizer '{}'", optimizer.type));
    finding.expected = "one of adam, adamw, sgd, rmsprop, adamax";
    finding.suggestion = nearest_name(optimizer.type, kTypes);
    optimizer.type = "adam";
    known = false;
  }
  if (const Value* rate = section.get("lr")) optimizer.learning_rate = read_schedule(*rate, "lr", 0, diagnostics);
  section.read("nesterov", optimizer.nesterov);
  section.read("centered", optimizer.centered);
  static const std::vector<std::string> kNumbers = {"beta1",    "beta2", "epsilon",  "weight_decay",
                                                    "momentum", "alpha", "dampening"};
  for (const std::string& name : kNumbers) {
    const bool decay = name == "beta1" || name == "beta2" || name == "alpha";
    double number = std::numeric_limits<double>::quiet_NaN();
    section.read(name, number, 0, decay ? 1.0 : std::numeric_limits<double>::max());
    if (number == number && known) optimizer.options[name] = number;  // an unknown type has no options to check
  }
  for (const Member& member : value.members) optimizer.places[member.key] = member.where;
  section.finish();
  return optimizer;
}

TrainEntry read_train(const Value* value, OptimizerEntry& optimizer, Diagnostics& diagnostics) {
  TrainEntry train;
  if (value == nullptr) return train;
  train.where = value->where;
  Section section(*value, "train", diagnostics);
  std::int64_t seed = static_cast<std::int64_t>(train.seed);
  section.read("batch", train.batch, 1);
  section.read("steps", train.steps, 0);
  section.read("seed", seed, 0);
  train.seed = static_cast<std::uint64_t>(seed);
  section.read("clip_norm", train.clip_norm, 0);
  section.read("average", train.average, 0, 1);
  section.read("eval_every", train.eval_every, 0);
  section.read("eval_limit", train.eval_limit, 0);
  section.read("checkpoint_every", train.checkpoint_every, 0);
  section.read("keep", train.keep, 1);
  section.read("early_stopping", train.early_stopping, 0);
  section.read("encoder_steps", train.encoder_steps, 1);
  section.read("encoder_until", train.encoder_until, 0);
  section.read("spike_factor", train.spike_factor, 0);
  section.read("skip_limit", train.skip_limit, 1);
  std::vector<Location> places;
  if (const Value* patterns = section.get("reinitialise"))
    read_patterns(*patterns, "reinitialise", train.reinitialise, places, diagnostics);
  if (const Value* entry = section.get("optimizer")) optimizer = read_optimizer(*entry, diagnostics);
  section.finish();
  return train;
}

std::vector<ObjectiveEntry> read_objectives(const Value* value, const std::vector<LossEntry>& losses,
                                            const OptimizerEntry& optimizer, Diagnostics& diagnostics) {
  std::vector<ObjectiveEntry> objectives;
  if (value == nullptr) {
    ObjectiveEntry main;
    main.optimizer = optimizer;
    if (!losses.empty()) main.where = losses.front().where;
    for (const LossEntry& loss : losses) main.losses.emplace_back(loss.name, Schedule::constant(1));
    objectives.push_back(std::move(main));
    return objectives;
  }
  Section section(*value, "objectives", diagnostics);
  for (const Member* member : section.rest()) {
    ObjectiveEntry objective;
    objective.name = member->key;
    objective.where = member->where;
    objective.optimizer = optimizer;
    check_name(member->key, member->where, diagnostics);
    Section entry(member->value, fmt::format("objective '{}'", member->key), diagnostics);
    const Value& terms = entry.required("losses");
    const std::size_t findings = diagnostics.size();
    read_terms(terms, losses, objective, diagnostics);
    if (objective.losses.empty() && !terms.is_null() && diagnostics.size() == findings) {
      diagnostics.add(ErrorCode::no_loss, terms.where, fmt::format("objective '{}' names no loss", member->key))
          .expected = "a list of losses, or a map of losses and weights";
    }
    if (const Value* patterns = entry.get("parameters")) {
      read_patterns(*patterns, "parameters", objective.parameters, objective.parameter_places, diagnostics);
    }
    entry.read("every", objective.every, 1);
    entry.read("until", objective.until, 0);
    if (const Value* conditions = entry.get("only_if")) read_conditions(*conditions, losses, objective, diagnostics);
    if (const Value* own = entry.get("optimizer")) objective.optimizer = read_optimizer(*own, diagnostics);
    entry.finish();
    objectives.push_back(std::move(objective));
  }
  return objectives;
}

}  // namespace loom
