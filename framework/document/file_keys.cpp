#include "document/file_keys.h"

#include <algorithm>

namespace loom {
namespace {

// A key whose value its owner reads.
void form(Contract& keys, const char* name, const char* accepts, const char* doc) {
  keys.option(name, OptionValue(), structure(accepts), doc);
}

// Keys of every file.
void declare_head(Contract& keys) {
  form(keys, "version", "1", "the version of this format; any other value is E115; default: 1");
  form(keys, "doc", "a text", "one line about it");
  form(keys, "plugins", "a list of names", "plugin libraries whose types it uses");
}

bool has(const Contract& keys, std::string_view name) {
  return std::ranges::any_of(keys.options(), [&](const OptionDeclaration& key) { return key.name == name; });
}

}  // namespace

const Contract& document_keys() {
  static const Contract keys = [] {
    Contract c;
    declare_head(c);
    form(c, "extends", "the path of a document, or the name of a shipped graph, or a list of these",
         "the parents that this document is merged over, the last one over the others");
    form(c, "graph", "a text", "the name shown in reports; default: the name of the file");
    form(c, "vars", "a map", "values for `${...}`");
    form(c, "data", "a map: the type of a data set and its options", "the data set; `--data` replaces it");
    form(c, "nodes", "a map of nodes", "the graph; required, here or in a parent");
    form(c, "losses", "a map of losses", "the terms of the loss; training needs at least one");
    form(c, "objectives", "a map of objectives", "what each optimizer minimizes; default: one of all losses");
    form(c, "train", "a map", "batch, steps, optimizer, evaluation, checkpoints");
    form(c, "generate", "a map of entries", "how samples and reconstructions are made");
    form(c, "metrics", "a map of metrics", "options of metrics; false turns a metric off");
    return c;
  }();
  return keys;
}

const Contract& block_keys() {
  static const Contract keys = [] {
    Contract c;
    declare_head(c);
    form(c, "block", "a text", "its name, for readers");
    form(c, "vars", "a map", "its variables and their defaults; it sees no other variables");
    form(c, "inputs", "a list of names", "names that its nodes read as if they were nodes");
    form(c, "nodes", "a map of nodes", "its nodes; required");
    form(c, "output", "a node, or node.port", "the output of a block that has one, called `y`");
    form(c, "outputs", "a map of names and nodes", "several outputs; the first is the default");
    return c;
  }();
  return keys;
}

bool is_document_key(std::string_view key) { return has(document_keys(), key) && !has(block_keys(), key); }

void accept_keys(Section& section, const Contract& keys) {
  for (const OptionDeclaration& key : keys.options()) section.get(key.name);
}

}  // namespace loom
