// `extends`: the documents that one is merged over, in order.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "document/formula_loss.h"
#include "document/merge.h"
#include "document/plugins.h"
#include "document/section.h"
#include "document/shipped_graphs.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtends = "extends";

struct Ancestor {
  std::string path;
  Value root;
  std::string parent;  // the last of its parents; "" for none
};

// Every document once: parents before children, and of several parents the first one before the later ones. A document
// that several paths lead to keeps the first of its places.
class Ancestry {
 public:
  Ancestry(std::set<std::string>& files, Diagnostics& diagnostics) : files_(files), diagnostics_(diagnostics) {}

  // False where a parent cannot be read; this is reported.
  bool add(Value root, const std::string& path, const std::string& directory, std::vector<std::string> chain) {
    if (root.is_map()) check_version(root, diagnostics_);
    expand_formula_losses(root, diagnostics_);
    chain.push_back(path);
    std::string last;
    for (const Value& parent : parents_of(root)) {
      last = (fs::path(directory) / graph_file(parent.scalar, directory)).lexically_normal().string();
      if (!add_parent(last, parent.where, chain)) good_ = false;
    }
    ancestors_.push_back({path, std::move(root), last});
    return good_;
  }

  // All of them merged, from the first on.
  Value merged() {
    Value all = std::move(ancestors_.front().root);
    for (std::size_t i = 1; i < ancestors_.size(); ++i) {
      Value& child = ancestors_[i].root;
      if (good_ || i + 1 < ancestors_.size()) erase_extends(child);
      check_removals(all, child, ancestors_[i].parent);
      merge_plugins(all, child);
      const Location where = child.where;
      merge_value(all, child);
      all.where = where;
    }
    return all;
  }

 private:
  static void erase_extends(Value& root) {
    std::erase_if(root.members, [](const Member& m) { return m.key == kExtends; });
  }

  // The texts under `extends`, each once.
  std::vector<Value> parents_of(const Value& root) {
    const Value* extends = root.is_map() ? root.find(kExtends) : nullptr;
    if (extends == nullptr || extends->is_null()) return {};
    const bool several = extends->kind == Value::Kind::sequence && !extends->items.empty();
    std::vector<Value> parents;
    for (const Value& parent : several ? extends->items : std::vector<Value>{*extends}) {
      if (parent.kind != Value::Kind::scalar) {
        wrong_type(parent, kExtends, "the path of a document, or a list of these", diagnostics_);
        good_ = false;
        continue;
      }
      const auto same = std::ranges::find(parents, parent.scalar, &Value::scalar);
      if (same == parents.end()) {
        parents.push_back(parent);
        continue;
      }
      Diagnostic& finding = diagnostics_.add(ErrorCode::duplicate_key, parent.where,
                                             fmt::format("'{}' is extended twice", parent.scalar));
      finding.expected = "each parent once";
      finding.other = same->where;
      finding.other_role = "first";
    }
    return parents;
  }

  bool add_parent(const std::string& path, const Location& where, const std::vector<std::string>& chain) {
    if (std::ranges::find(chain, path) != chain.end()) {
      Diagnostic& finding =
          diagnostics_.add(ErrorCode::extends_cycle, where, "the documents extend each other in a cycle");
      for (const std::string& name : chain) finding.got += fs::path(name).filename().string() + " -> ";
      finding.got += fs::path(path).filename().string();
      finding.expected = "a chain that ends at a document without extends";
      return false;
    }
    if (static_cast<int>(chain.size()) > kMaxDepth) {
      diagnostics_.add(ErrorCode::document_too_deep, where, "too many documents extend each other").expected =
          fmt::format("at most {}", kMaxDepth);
      return false;
    }
    if (!reached_.insert(path).second) return true;
    Value parent = parse_yaml_file(path, where, diagnostics_);
    files_.insert(path);
    if (!parent.is_map()) return false;
    return add(std::move(parent), path, fs::path(path).parent_path().string(), chain);
  }

  // A null that removes nothing is a misspelt name. What another parent has removed already may be removed again.
  void check_removals(const Value& parent, const Value& child, const std::string& parent_file) {
    for (const char* section : {"vars", "nodes", "losses", "objectives", "generate", "metrics"}) {
      const Value* mine = child.find(section);
      const Value* theirs = parent.find(section);
      for (const Member& member : mine != nullptr ? mine->members : std::vector<Member>()) {
        if (!member.value.is_null()) continue;
        const bool fresh = removed_.insert(fmt::format("{}/{}", section, member.key)).second;
        if (!fresh || (theirs != nullptr && theirs->find(member.key) != nullptr)) continue;
        Diagnostic& finding =
            diagnostics_.add(ErrorCode::unknown_key, member.where,
                             fmt::format("null removes, but the parent's {} have no '{}'", section, member.key));
        std::vector<std::string> names;
        for (const Member& other : theirs != nullptr ? theirs->members : std::vector<Member>())
          names.push_back(other.key);
        for (const std::string& name : names) finding.expected += (finding.expected.empty() ? "one of " : ", ") + name;
        finding.suggestion = nearest_name(member.key, names);
        finding.other = theirs != nullptr ? theirs->where : Location{parent_file, 0, 0};
        finding.other_role = "the parent's";
      }
    }
  }

  std::set<std::string>& files_;
  Diagnostics& diagnostics_;
  std::vector<Ancestor> ancestors_;
  std::set<std::string> reached_;  // paths of parents
  std::set<std::string> removed_;  // "losses/kl"
  bool good_ = true;
};

}  // namespace

Value merge_parents(Value root, const std::string& file, const std::string& directory, std::set<std::string>& files,
                    Diagnostics& diagnostics) {
  Ancestry ancestry(files, diagnostics);
  ancestry.add(std::move(root), fs::path(file).lexically_normal().string(), directory, {});
  return ancestry.merged();
}

}  // namespace loom
