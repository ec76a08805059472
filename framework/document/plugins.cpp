#include "document/plugins.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/section.h"

namespace loom {
namespace {

// As in plugin/search_path.h: a document must not be able to choose an arbitrary file.
bool is_plugin_word(const std::string& text) {
  const auto allowed = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, allowed);
}

// "huber" of "../build/libhuber.so"
std::string name_in(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  name = name.substr(0, name.find('.'));
  return name.starts_with("lib") ? name.substr(3) : name;
}

}  // namespace

void add_plugin(const PluginEntry& plugin, std::vector<PluginEntry>& plugins) {
  const auto same = [&](const PluginEntry& other) { return other.name == plugin.name; };
  if (std::ranges::none_of(plugins, same)) plugins.push_back(plugin);
}

void read_plugins(const Value& value, std::vector<PluginEntry>& plugins, Diagnostics& diagnostics) {
  if (value.kind != Value::Kind::sequence) {
    wrong_type(value, "plugins", "a list of names, as in [huber, acme]", diagnostics);
    return;
  }
  for (const Value& item : value.items) {
    if (item.kind != Value::Kind::scalar || item.broken) {
      wrong_type(item, "a plugin", "a name", diagnostics);
    } else if (is_plugin_word(item.scalar)) {
      add_plugin({item.scalar, item.where}, plugins);
    } else {
      Diagnostic& finding =
          diagnostics.add(ErrorCode::plugin_path, item.where, "a graph names a plugin by its name, not by a path");
      finding.got = item.scalar.substr(0, 80);
      finding.expected = "letters, digits, '_' and '-'";
      if (is_plugin_word(name_in(item.scalar))) finding.suggestion = name_in(item.scalar);
      finding.hint = "names are searched for in the folders of LOOM_PLUGIN_PATH; --plugin FILE loads a file";
    }
  }
}

void merge_plugins(const Value& parent, Value& child) {
  const Value* theirs = parent.find("plugins");
  Value* mine = child.find("plugins");
  if (theirs == nullptr || mine == nullptr) return;
  if (theirs->kind != Value::Kind::sequence || mine->kind != Value::Kind::sequence) return;
  std::vector<Value> all = theirs->items;
  all.insert(all.end(), mine->items.begin(), mine->items.end());
  mine->items = std::move(all);
}

}  // namespace loom
