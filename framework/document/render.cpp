#include "document/render.h"

#include <fmt/format.h>

#include <cmath>

#include <algorithm>

#include "document/value.h"

namespace loom {
namespace {

// A text, quoted where plain YAML would read it as something else.
std::string text_of(const std::string& text) {
  Value plain;
  plain.kind = Value::Kind::scalar;
  plain.scalar = text;
  const bool safe = !text.empty() && text != "null" && text != "~" &&
                    std::all_of(text.begin(), text.end(),
                                [](char c) {
                                  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' ||
                                         c == '.' || c == '/';
                                }) &&
                    text[0] != '-' && text[0] != '.' && std::holds_alternative<std::string>(scalar_value(plain));
  if (safe) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else if (c == '\r')
      quoted += "\\r";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

std::string number_of(double number) {
  const std::string text = fmt::format("{}", number);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string value_of(const OptionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text_of(*text);
  if (const auto* number = std::get_if<double>(&value)) return number_of(*number);
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    std::string text = "[";
    for (const OptionValue& item : *list) text += (text.size() > 1 ? ", " : "") + value_of(item);
    return text + "]";
  }
  return value.text();
}

std::string reference_of(const Reference& reference) {
  return text_of(reference.port.empty() ? reference.node : reference.node + "." + reference.port);
}

std::string schedule_of(const Schedule& s) {
  if (s.kind == Schedule::Kind::constant && s.warmup == 0) return number_of(s.from);
  static const char* const kNames[] = {"constant", "linear", "cosine", "step", "multi_step"};
  std::string text = fmt::format("{{type: {}, from: {}", kNames[static_cast<int>(s.kind)], number_of(s.from));
  if (s.kind == Schedule::Kind::linear || s.kind == Schedule::Kind::cosine)
    text += fmt::format(", to: {}, over: {}, after: {}", number_of(s.to), s.over, s.after);
  if (s.kind == Schedule::Kind::step) text += fmt::format(", every: {}, factor: {}", s.every, number_of(s.factor));
  if (s.kind == Schedule::Kind::multi_step)
    text += fmt::format(", at: [{}], factor: {}", fmt::join(s.at, ", "), number_of(s.factor));
  return text + fmt::format(", warmup: {}}}", s.warmup);
}

std::string inputs_of(const NodeEntry& node) {
  if (node.inputs.empty()) return "";
  const auto sources = [](const InputEntry& input) {
    if (input.sources.size() == 1) return reference_of(input.sources.front());
    std::string text = "[";
    for (const Reference& source : input.sources) text += (text.size() > 1 ? ", " : "") + reference_of(source);
    return text + "]";
  };
  if (node.inputs.size() == 1 && node.inputs.front().port.empty()) return ", in: " + sources(node.inputs.front());
  std::string text;
  for (const InputEntry& input : node.inputs)
    text += (text.empty() ? "" : ", ") + text_of(input.port) + ": " + sources(input);
  return ", in: {" + text + "}";
}

std::string node_of(const NodeEntry& node, const std::string& extra = "") {
  std::string text = "{type: " + text_of(node.type) + inputs_of(node);
  for (const auto& [name, option] : node.options) text += ", " + text_of(name) + ": " + value_of(option.value);
  if (!node.weights.empty()) text += ", weights: " + text_of(node.weights);
  if (node.when != When::always) text += node.when == When::training ? ", when: train" : ", when: eval";
  if (node.frozen) text += ", frozen: true";
  return text + extra + "}";
}

std::string optimizer_of(const OptimizerEntry& optimizer) {
  std::string text = "{type: " + optimizer.type + ", lr: " + schedule_of(optimizer.learning_rate);
  for (const auto& [name, value] : optimizer.options) text += ", " + name + ": " + number_of(value);
  if (optimizer.nesterov) text += ", nesterov: true";
  if (optimizer.centered) text += ", centered: true";
  return text + "}";
}

void render_losses(const Document& document, std::string& out) {
  if (document.losses.empty()) return;
  out += "losses:\n";
  for (const LossEntry& loss : document.losses) {
    const auto it = std::find_if(document.nodes.begin(), document.nodes.end(),
                                 [&](const NodeEntry& n) { return n.path == loss.node; });
    if (it == document.nodes.end()) continue;
    if (!loss.node.starts_with("losses/")) {
      const std::string when = loss.when == When::always     ? ""
                               : loss.when == When::training ? ", when: train"
                                                             : ", when: eval";
      out += fmt::format("  {}: {{of: {}, weight: {}{}}}\n", loss.name,
                         text_of(loss.port.empty() ? loss.node : loss.node + "." + loss.port), schedule_of(loss.weight),
                         when);
      continue;
    }
    const std::string port = loss.port.empty() ? "" : ", port: " + text_of(loss.port);
    out += fmt::format("  {}: {}\n", loss.name, node_of(*it, ", weight: " + schedule_of(loss.weight) + port));
  }
}

std::string conditions_of(const ObjectiveEntry& objective) {
  std::string text;
  for (const ConditionEntry& condition : objective.only_if) {
    std::string bounds;
    if (std::isfinite(condition.above)) bounds += fmt::format("above: {}", number_of(condition.above));
    if (std::isfinite(condition.below))
      bounds += fmt::format("{}below: {}", bounds.empty() ? "" : ", ", number_of(condition.below));
    text += fmt::format("{}{}{}{}: {{{}}}", text.empty() ? "" : ", ", condition.loss, condition.port.empty() ? "" : ".",
                        condition.port, bounds);
  }
  return text.empty() ? "" : ", only_if: {" + text + "}";
}

void render_objectives(const Document& document, std::string& out) {
  out += "objectives:\n";
  for (const ObjectiveEntry& objective : document.objectives) {
    std::string terms, patterns;
    for (const auto& [name, weight] : objective.losses)
      terms += (terms.empty() ? "" : ", ") + name + ": " + schedule_of(weight);
    for (const std::string& pattern : objective.parameters)
      patterns += (patterns.empty() ? "" : ", ") + text_of(pattern);
    out += fmt::format("  {}: {{losses: {{{}}}, parameters: [{}], every: {}, until: {}{}, optimizer: {}}}\n",
                       objective.name, terms, patterns, objective.every, objective.until, conditions_of(objective),
                       optimizer_of(objective.optimizer));
  }
}

void render_train(const TrainEntry& t, std::string& out) {
  std::string reinitialise;
  for (const std::string& pattern : t.reinitialise)
    reinitialise += (reinitialise.empty() ? ", reinitialise: [" : ", ") + text_of(pattern);
  if (!reinitialise.empty()) reinitialise += "]";
  out += fmt::format(
      "train: {{batch: {}, steps: {}, seed: {}, clip_norm: {}, average: {}, eval_every: {}, eval_limit: {}, "
      "checkpoint_every: {}, keep: {}, "
      "encoder_steps: {}, encoder_until: {}, early_stopping: {}, spike_factor: {}, skip_limit: {}{}}}\n",
      t.batch, t.steps, t.seed, number_of(t.clip_norm), number_of(t.average), t.eval_every, t.eval_limit,
      t.checkpoint_every, t.keep, t.encoder_steps, t.encoder_until, t.early_stopping, number_of(t.spike_factor),
      t.skip_limit, reinitialise);
}

void render_generate(const Document& document, std::string& out) {
  if (document.generate.empty()) return;
  out += "generate:\n";
  for (const GenerateEntry& entry : document.generate) {
    std::string draws;
    for (const auto& [target, node] : entry.draws)
      draws += (draws.empty() ? "" : ", ") + reference_of(target) + ": " + node_of(node);
    std::string autoregressions;
    for (const AutoregressionEntry& item : entry.autoregressions) {
      autoregressions +=
          fmt::format("{}{{input: {}, from: {}, axis: {}, axes: {}}}", autoregressions.empty() ? "" : ", ",
                      reference_of(item.input), reference_of(item.from), item.axis, item.axes);
    }
    if (!autoregressions.empty()) autoregressions = ", autoregressive: [" + autoregressions + "]";
    std::string feeds;
    for (const Reference& feed : entry.feeds) feeds += (feeds.empty() ? ", feed: [" : ", ") + reference_of(feed);
    if (!feeds.empty()) feeds += "]";
    out += fmt::format("  {}: {{draw: {{{}}}{}{}, show: {}}}\n", entry.name, draws, autoregressions, feeds,
                       reference_of(entry.show));
  }
}

}  // namespace

std::string render_document(const Document& document) {
  std::string out = "version: 1\ngraph: " + text_of(document.name) + "\n";
  if (!document.doc.empty()) out += "doc: " + text_of(document.doc) + "\n";
  if (!document.plugins.empty()) {
    std::string names;
    for (const PluginEntry& plugin : document.plugins) names += (names.empty() ? "" : ", ") + text_of(plugin.name);
    out += "plugins: [" + names + "]\n";
  }
  if (!document.data.type.empty()) {
    out += "data: {type: " + text_of(document.data.type);
    for (const auto& [name, option] : document.data.options)
      out += ", " + text_of(name) + ": " + value_of(option.value);
    out += "}\n";
  }
  out += "nodes:\n";
  for (const NodeEntry& node : document.nodes) {
    if (!node.path.starts_with("losses/")) out += "  " + text_of(node.path) + ": " + node_of(node) + "\n";
  }
  render_losses(document, out);
  if (!document.losses.empty()) render_objectives(document, out);
  render_train(document.train, out);
  render_generate(document, out);
  return out;
}

}  // namespace loom
