#include "live/node_change.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/render.h"
#include "document/section.h"
#include "loom/error.h"

namespace loom {
namespace {

constexpr std::string_view kInput = "in.";

[[noreturn]] void refuse_words(std::string message, std::string got, std::string expected,
                               std::string suggestion = "") {
  Diagnostic finding;
  finding.code = ErrorCode::bad_command;
  finding.where = {"ctl swap", 0, 0};
  finding.message = std::move(message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  finding.suggestion = std::move(suggestion);
  throw Error(std::move(finding));
}

NodeEntry& find_node(Document& document, const std::string& name) {
  std::vector<std::string> names;
  for (const std::string& path : {name, "losses/" + name}) {
    for (NodeEntry& node : document.nodes) {
      if (node.path == path) return node;
      if (path == name) names.push_back(node.path);
    }
  }
  refuse_words("there is no such node", name, "a node's path, or the name of a loss", nearest_name(name, names));
}

void set_input(Document& document, NodeEntry& node, const std::string& port, const std::string& text) {
  const std::size_t dot = text.find('.');
  Reference source{text.substr(0, dot), dot == std::string::npos ? "" : text.substr(dot + 1), {"ctl swap", 0, 0}};
  std::vector<std::string> names;
  for (const NodeEntry& other : document.nodes) names.push_back(other.path);
  if (std::ranges::find(names, source.node) == names.end())
    refuse_words("there is no node to read from", text, "NODE, or NODE.PORT", nearest_name(source.node, names));
  const auto it = std::ranges::find(node.inputs, port, &InputEntry::port);
  InputEntry entry{port, {source}, source.where};
  if (it == node.inputs.end())
    node.inputs.push_back(std::move(entry));
  else
    *it = std::move(entry);
}

}  // namespace

NodeChange parse_node_change(const std::vector<std::string>& words) {
  if (words.size() < 2)
    refuse_words("swap needs a node and a type", fmt::format("{} words", words.size()), "NODE TYPE k=v...");
  NodeChange change{words[0], words[1], {}};
  for (std::size_t i = 2; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (equals == 0 || equals == std::string::npos)
      refuse_words("each word after the type must set an option or an input", words[i],
                   "OPTION=VALUE, or in.PORT=NODE");
    change.settings.push_back({words[i].substr(0, equals), words[i].substr(equals + 1)});
  }
  return change;
}

void apply_node_change(Document& document, const NodeChange& change) {
  NodeEntry& node = find_node(document, change.node);
  node.type = change.type;
  node.type_where = {"ctl swap", 0, 0};
  node.options.clear();
  const bool inputs_given =
      std::ranges::any_of(change.settings, [](const Override& setting) { return setting.path.starts_with(kInput); });
  if (inputs_given) node.inputs.clear();
  Diagnostics findings;
  for (const Override& setting : change.settings) {
    if (setting.path.starts_with(kInput)) {
      set_input(document, node, setting.path.substr(kInput.size()), setting.value);
      continue;
    }
    const Value value = parse_yaml(setting.value.empty() ? "''" : setting.value, "ctl swap " + setting.path, findings);
    if (!findings.empty()) continue;
    node.options[setting.path] = {node_option_value(value, setting.path, findings), {"ctl swap", 0, 0}};
  }
  findings.throw_if_any();
  document.resolved = render_document(document);
}

}  // namespace loom
