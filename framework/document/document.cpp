#include "document/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <limits>
#include <set>

#include "document/expand.h"
#include "document/inherited_entry.h"
#include "document/instances.h"
#include "document/iteration_section.h"
#include "document/merge.h"
#include "document/plugins.h"
#include "document/render.h"
#include "document/section.h"
#include "document/sections.h"
#include "document/shipped_graphs.h"
#include "document/variables.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

class Reader {
 public:
  Reader(const std::string& file, const std::string& directory, Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics), expander_(file, directory, budget_, diagnostics) {}

  Document read(const Value& root) {
    if (!root.is_map()) {
      if (diagnostics_.empty()) wrong_type(root, "the document", "a map", diagnostics_);
      return {};
    }
    Section section(root, "the document", diagnostics_);
    read_head(section);
    variables_ = evaluate_variables(section.get("vars"), nullptr, budget_, diagnostics_, expander_.scope());
    if (const Value* data = section.get("data")) read_data(evaluated(*data));
    expander_.add_nodes(section.required("nodes"), variables_);
    if (const Value* losses = section.get("losses")) read_losses(*losses);
    OptimizerEntry optimizer;
    const Value* train = section.get("train");
    const Value train_value = train != nullptr ? evaluated(*train) : Value();
    document_.train = read_train(train != nullptr ? &train_value : nullptr, optimizer, diagnostics_);
    const Value* objectives = section.get("objectives");
    const Value objectives_value = objectives != nullptr ? evaluated(*objectives) : Value();
    document_.objectives =
        read_objectives(objectives != nullptr ? &objectives_value : nullptr, document_.losses, optimizer, diagnostics_);
    if (const Value* generate = section.get("generate")) read_generate(*generate);
    if (const Value* metrics = section.get("metrics"))
      document_.metrics = read_metrics(evaluated(*metrics), diagnostics_);
    section.finish();
    if (expander_.is_full()) return {};
    document_.nodes = expander_.finish();
    for (const PluginEntry& plugin : expander_.plugins()) add_plugin(plugin, document_.plugins);
    document_.weight_sources = expander_.weight_sources();
    document_.files.assign(expander_.files().begin(), expander_.files().end());
    finish_generate();
    finish_losses();
    return std::move(document_);
  }

 private:
  Value evaluated(Value value) { return evaluated(std::move(value), variables_); }
  Value evaluated(Value value, const Variables& variables) {
    substitute(value, variables.without_scope(), budget_, diagnostics_);
    return value;
  }

  void read_head(Section& section) {
    section.get("version");
    section.read("graph", document_.name);
    section.read("doc", document_.doc);
    section.get("extends");
    if (const Value* plugins = section.get("plugins")) read_plugins(*plugins, document_.plugins, diagnostics_);
  }

  void read_data(const Value& value) {
    Section section(value, "data", diagnostics_);
    read_typed(section, document_.data);
  }

  void read_losses(const Value& value) {
    Section section(value, "losses", diagnostics_);
    for (const Member* member : section.rest()) {
      if (!check_name(member->key, member->where, diagnostics_)) continue;
      const bool is_map = member->value.is_map();  // the expander reports anything else
      for (InstanceEntry& one : is_map ? loss_instances(*member, variables_, expander_.repeats(), budget_, diagnostics_)
                                       : std::vector<InstanceEntry>{{{}, *member}}) {
        one.member.key += one.suffix();
        read_loss(one.member, one.with_index(variables_));
      }
    }
  }

  void read_loss(const Member& member, const Variables& variables) {
    LossEntry loss;
    loss.name = member.key;
    loss.node = "losses/" + member.key;
    loss.where = member.where;
    if (!member.value.is_map()) {
      document_.losses.push_back(loss);
      expander_.add_node(loss.node, member, variables, {});
      return;
    }
    Section entry(member.value, fmt::format("loss '{}'", member.key), diagnostics_);
    if (const Value* weight = entry.get("weight")) {
      loss.weight =
          read_schedule(evaluated(*weight, variables), fmt::format("the weight of '{}'", member.key), diagnostics_);
    }
    if (const Value* port = entry.get("port")) loss.port_where = port->where;
    loss_section().read(entry, loss);
    const Value* when = entry.get("when");
    const Value* of = entry.get("of");
    Diagnostics of_the_node;  // the node of a loss reports an invalid `when`
    if (when != nullptr) loss.when = read_when(evaluated(*when, variables), of != nullptr ? diagnostics_ : of_the_node);
    for (const auto& [key, port] : {std::pair{"mean", &loss.mean}, std::pair{"drawn", &loss.drawn}})
      if (const Value* written = entry.get(key))
        *port = read_reference(evaluated(*written, variables), entry.what() + "." + key, diagnostics_);
    if (of == nullptr) expander_.add_node(loss.node, member, variables, {"weight", "port", "role", "mean", "drawn"});
    if (of != nullptr) read_loss_of(evaluated(*of, variables), entry, loss);
    document_.losses.push_back(std::move(loss));
  }

  // The reference as it is written; it is resolved when all nodes exist.
  void read_loss_of(const Value& reference, Section& entry, LossEntry& loss) {
    if (!loss.port.empty())
      diagnostics_.add(ErrorCode::unknown_key, loss.port_where, "`of` names the port, so there is no key 'port'");
    loss.port_where = reference.where;
    loss.port.clear();
    loss.node.clear();
    if (reference.kind == Value::Kind::scalar && !reference.broken)
      loss.node = reference.scalar;
    else if (!reference.broken)
      wrong_type(reference, fmt::format("loss '{}'.of", loss.name), "a node, or node.port", diagnostics_);
    entry.finish();
    losses_of_.push_back(document_.losses.size());
  }

  void finish_losses() {
    for (LossEntry& loss : document_.losses)
      for (Reference* port : {&loss.mean, &loss.drawn}) finish_port(*port);
    for (const std::size_t i : losses_of_) {
      LossEntry& loss = document_.losses[i];
      if (loss.node.empty()) continue;
      const Reference reference = expander_.resolve(loss.node, loss.port_where, diagnostics_);
      check_reference(reference);
      loss.node = reference.node;
      loss.port = reference.port;
    }
  }

  void read_generate(const Value& value) {
    Section section(value, "generate", diagnostics_);
    for (const Member* member : section.rest()) {
      GenerateEntry entry;
      if (!check_name(member->key, member->where, diagnostics_)) continue;
      entry.name = member->key;
      entry.where = member->where;
      gone_.emplace_back();
      choose_findings(entry, gone_.size() - 1);
      Section keys(member->value, fmt::format("generate.{}", member->key), diagnostics_);
      generate_section().read(keys, entry);
      const Value* shown = keys.get("show");
      Value show = shown != nullptr ? evaluated(shown_instances(*shown)) : Value();
      shows_.push_back(checked_show(std::move(show), fmt::format("generate.{}.show", member->key)));
      if (const Value* draws = keys.get("draw")) {
        for (const Member& draw : draws->members) read_draw(draw, *draws, entry);
        if (!draws->is_map())
          wrong_type(*draws, "draw", "a map from ports to the nodes that replace them", diagnostics_);
      }
      if (const Value* given = keys.get("iterate"))
        entry.iterations = read_iterations(evaluated(*given), "generate." + member->key, diagnostics_);
      if (const Value* given = keys.get("autoregressive")) {
        const bool several = given->kind == Value::Kind::sequence;
        for (const Value& item : several ? given->items : std::vector<Value>{*given})
          read_autoregressions(item, "generate." + member->key, entry);
      }
      if (const Value* given = keys.get("feed")) read_feeds(*given, entry);
      keys.finish();
      found_ = &diagnostics_;
      document_.generate.push_back(std::move(entry));
    }
  }

  // An entry of one port takes precedence over a pattern.
  void read_draw(const Member& draw, const Value& draws, GenerateEntry& entry) {
    for (InstanceEntry& one : instances_of(draw, {"in"}, expander_.repeats(), -1, *found_)) {
      if (one.member.key.empty() || (!one.index.empty() && draws.find(one.member.key) != nullptr)) continue;
      const std::string path = "generate/" + entry.name + "/" + std::to_string(entry.draws.size());
      entry.draws.emplace_back(Reference{one.member.key, "", draw.where}, NodeEntry{});
      entry.draws.back().second.path = path;
      expander_.add_node(path, one.member, one.with_index(variables_), {});
    }
  }

  // A pattern of several ports becomes a map from their names to them.
  Value shown_instances(const Value& shown) {
    std::vector<Value> ports = instances_of(shown, expander_.repeats(), *found_);
    if (ports.size() == 1) return std::move(ports.front());
    Value map;
    map.kind = Value::Kind::map;
    map.where = shown.where;
    for (Value& port : ports) map.members.push_back({port.scalar, port.where, port});
    return map;
  }

  // A port, or a map of ports; null where it is neither, which is reported.
  Value checked_show(Value show, const std::string& what) {
    const auto is_port = [](const Value& value) { return value.kind == Value::Kind::scalar; };
    const bool map = show.is_map() && !show.members.empty() &&
                     std::ranges::all_of(show.members, [&](const Member& one) { return is_port(one.value); });
    if (show.is_null() || is_port(show) || map) return show;
    wrong_type(show, what, "a node, node.port, or a map from columns of the data to these", diagnostics_);
    show.kind = Value::Kind::null;
    return show;
  }

  // One map, or one for each instance that it names.
  void read_autoregressions(const Value& item, const std::string& owner, GenerateEntry& entry) {
    const Member written{"autoregressive", item.where, item};
    const std::vector<std::string> keys = {"input", "from", "given"};
    for (InstanceEntry& one : instances_of(written, keys, expander_.repeats(), -1, *found_)) {
      const Variables variables = one.with_index(variables_);
      entry.autoregressions.push_back(
          read_autoregression(evaluated(std::move(one.member.value), variables), owner, diagnostics_));
    }
  }

  // The references as they are written; they are resolved when all nodes exist.
  void read_feeds(const Value& value, GenerateEntry& entry) {
    const bool several = value.kind == Value::Kind::sequence;
    for (const Value& item : several ? value.items : std::vector<Value>{value}) {
      for (const Value& written : instances_of(item, expander_.repeats(), *found_)) {
        Reference port = read_reference(evaluated(written), fmt::format("generate.{}.feed", entry.name), diagnostics_);
        if (!port.node.empty()) entry.feeds.push_back(std::move(port));
      }
    }
  }

  // An entry of a parent that names nodes which this document has removed is dropped, with a note.
  void finish_generate() {
    std::set<std::string> dropped;
    for (std::size_t i = 0; i < document_.generate.size(); ++i) {
      GenerateEntry& entry = document_.generate[i];
      choose_findings(entry, i);
      finish_entry(entry, shows_[i]);
      found_ = &diagnostics_;
      if (gone_[i].empty()) continue;
      document_.notes.push_back(dropped_note(entry, gone_[i].items().front().message));
      dropped.insert(entry.name);
    }
    std::erase_if(document_.generate, [&](const GenerateEntry& entry) { return dropped.contains(entry.name); });
  }

  void choose_findings(const GenerateEntry& entry, std::size_t i) {
    found_ = is_of_parent(file_, entry) ? &gone_[i] : &diagnostics_;
  }

  // Draws are nodes of a separate graph: they move from the list of nodes to their GenerateEntry.
  void finish_entry(GenerateEntry& entry, const Value& show) {
    if (show.is_map()) {
      for (const Member& one : show.members) entry.shows.emplace_back(one.key, resolved_port(one.value));
      entry.show = entry.shows.front().second;
    } else if (!show.is_null() && !show.broken) {
      entry.show = resolved_port(show);
    }
    for (IterationEntry& iteration : entry.iterations)
      for (const IterationPort& port : iteration_ports()) finish_port(iteration.*port.port);
    for (AutoregressionEntry& autoregression : entry.autoregressions)
      for (Reference* reference : {&autoregression.input, &autoregression.from, &autoregression.given_mask})
        finish_port(*reference);
    for (Reference& feed : entry.feeds) finish_port(feed);
    for (auto& [target, node] : entry.draws) {
      finish_port(target);
      const auto it = std::ranges::find(document_.nodes, node.path, &NodeEntry::path);
      if (it == document_.nodes.end()) continue;
      node = std::move(*it);
      document_.nodes.erase(it);
    }
  }

  Reference resolved_port(const Value& value) {
    Reference port = expander_.resolve(value.scalar, value.where, *found_);
    check_reference(port);
    return port;
  }

  // A reference as it is written becomes that of a node; none, or one that is already reported, stays as it is.
  void finish_port(Reference& reference) {
    if (reference.reported || reference.node.empty()) return;
    reference = expander_.resolve(reference.node, reference.where, *found_);
    check_reference(reference);
  }

  void check_reference(const Reference& reference) {
    if (reference.reported) return;
    std::vector<std::string> paths;
    for (const NodeEntry& node : document_.nodes) {
      if (node.path == reference.node) return;
      paths.push_back(node.path);
    }
    Diagnostic& finding =
        found_->add(ErrorCode::dangling_input, reference.where, fmt::format("there is no node '{}'", reference.node));
    finding.expected = "a node, or node.port";
    finding.suggestion = nearest_name(reference.node, paths);
  }

  std::string file_;
  Diagnostics& diagnostics_;
  Diagnostics* found_ = &diagnostics_;  // of references
  TextBudget budget_;
  Expander expander_;
  Document document_;
  Variables variables_;
  std::vector<Value> shows_;
  std::deque<Diagnostics> gone_;        // of each entry of `generate`: what a parent's refers to, and is not there
  std::vector<std::size_t> losses_of_;  // losses with `of`
};

// `extends` is still there where a parent cannot be read.
bool lacks_parent(const Value& root) {
  const Value* extends = root.is_map() ? root.find("extends") : nullptr;
  return extends != nullptr && !extends->is_null();
}

// Reads a document whose parent is missing: what it lacks, or refers to, may stand there, and is not reported.
void read_without_parent(const Value& root, const std::string& file, const std::string& directory,
                         Diagnostics& diagnostics) {
  Diagnostics findings;
  Reader(file, directory, findings).read(root);
  for (const Diagnostic& finding : findings.items()) {
    switch (finding.code) {
      case ErrorCode::missing_key:
      case ErrorCode::unknown_variable:
      case ErrorCode::dangling_input: break;
      default: diagnostics.add(Error(finding));
    }
  }
}

Document finish(Value root, const std::string& file, const std::string& directory,
                const std::vector<Override>& overrides, Diagnostics& diagnostics) {
  std::set<std::string> files = {file};
  root = merge_parents(std::move(root), file, directory, files, diagnostics);
  if (lacks_parent(root)) {
    read_without_parent(root, file, directory, diagnostics);
    return {};
  }
  if (root.is_map()) apply_overrides(root, overrides, diagnostics);
  Document document = Reader(file, directory, diagnostics).read(root);
  document.file = file;
  files.insert(document.files.begin(), document.files.end());
  document.files.assign(files.begin(), files.end());
  if (document.name.empty()) document.name = fs::path(file).stem().string();
  if (diagnostics.empty()) document.resolved = render_document(document);
  return document;
}

// Read once: a training reads its document again for each change.
const std::string& text_of_standard_input() {
  static const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  return text;
}

}  // namespace

Document load_document(const std::string& path, const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  Document document = load_document(path, overrides, diagnostics);
  diagnostics.throw_if_any();
  return document;
}

Document load_document(const std::string& name, const std::vector<Override>& overrides, Diagnostics& diagnostics) {
  if (name == kStandardInput)
    return finish(parse_yaml(text_of_standard_input(), name, diagnostics), name, "", overrides, diagnostics);
  const std::string path = graph_file(name);
  Value root = parse_yaml_file(path, {path, 0, 0}, diagnostics);
  return finish(std::move(root), path, fs::path(path).parent_path().string(), overrides, diagnostics);
}

Document parse_document(std::string_view text, const std::string& name, const std::string& directory,
                        const std::vector<Override>& overrides) {
  Diagnostics diagnostics;
  Value root = parse_yaml(text, name, diagnostics);
  Document document = finish(std::move(root), name, directory, overrides, diagnostics);
  diagnostics.throw_if_any();
  return document;
}

}  // namespace loom
