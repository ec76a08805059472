#include "document/instances.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "document/section.h"

namespace loom {
namespace {

constexpr std::int64_t kMostInstances = 10000;  // as of a repeat
constexpr std::string_view kStar = "*", kIndex = "${index}";

// A marker in a reference: where it stands, and the repeat before it.
struct Marker {
  std::size_t at = 0, size = 0;
  std::string repeat;
  bool star = false;
};

// The first part of a path that is a marker; size 0: none.
Marker first_marker(const std::string& text) {
  for (std::size_t slash = text.find('/'); slash != std::string::npos; slash = text.find('/', slash + 1)) {
    for (const std::string_view word : {kStar, kIndex}) {
      if (text.compare(slash + 1, word.size(), word) != 0) continue;
      const std::size_t end = slash + 1 + word.size();
      if (end == text.size() || text[end] == '/' || text[end] == '.')
        return {slash + 1, word.size(), text.substr(0, slash), word == kStar};
    }
  }
  return {};
}

// A text of an entry that can be a reference.
struct Text {
  std::string* text;
  Location where;
  Value* value;  // null for a key
};

void add_scalars(Value& value, std::vector<Text>& texts) {
  if (value.kind == Value::Kind::scalar) texts.push_back({&value.scalar, value.where, &value});
  for (Value& item : value.items) add_scalars(item, texts);
  for (Member& member : value.members) add_scalars(member.value, texts);
}

std::vector<Text> references_of(Member& entry, const std::vector<std::string>& keys) {
  std::vector<Text> texts = {{&entry.key, entry.where, nullptr}};
  for (Member& member : entry.value.members) {
    if (std::ranges::find(keys, member.key) != keys.end()) add_scalars(member.value, texts);
  }
  return texts;
}

class Unfolding {
 public:
  Unfolding(const std::vector<std::string>& keys, const RepeatCounts& repeats, Diagnostics& diagnostics)
      : keys_(keys), repeats_(repeats), diagnostics_(diagnostics) {}

  std::vector<InstanceEntry> run(InstanceEntry first, std::int64_t count) {
    std::vector<InstanceEntry> done;
    unfold(std::move(first), count, done);
    return done;
  }

 private:
  void unfold(InstanceEntry entry, std::int64_t given, std::vector<InstanceEntry>& done) {
    const std::int64_t count = given >= 0 ? given : count_of(entry.member);
    if (count < 0 || full_) {
      done.push_back(std::move(entry));
      return;
    }
    for (std::int64_t i = 0; i < count && !full_; ++i) {
      InstanceEntry one = entry;
      one.index.push_back(i);
      for (const Text& text : references_of(one.member, keys_)) {
        const Marker marker = first_marker(*text.text);
        if (marker.size > 0) text.text->replace(marker.at, marker.size, std::to_string(i));
      }
      unfold(std::move(one), -1, done);
      check_room(entry.member.where, done.size());
    }
  }

  void check_room(const Location& where, std::size_t count) {
    if (full_ || count <= static_cast<std::size_t>(kMostInstances)) return;
    full_ = true;
    diagnostics_.add(ErrorCode::document_too_large, where, "the entry stands for too many instances").expected =
        fmt::format("at most {}", kMostInstances);
  }

  // Of the repeats that the first markers name; -1: there is no marker, or what it names is no repeat.
  std::int64_t count_of(Member& member) {
    std::int64_t count = -1;
    Text first{};
    for (const Text& text : references_of(member, keys_)) {
      const Marker marker = first_marker(*text.text);
      if (marker.size == 0) continue;
      const auto repeat = repeats_.find(marker.repeat);
      if (repeat == repeats_.end()) {
        // `${index}` is left to the variables, which have none of this name
        if (!marker.star) continue;
        report_unknown(marker.repeat, text);
        give_up(member);
        return -1;
      }
      if (count >= 0 && count != repeat->second) {
        Diagnostic& finding = diagnostics_.add(ErrorCode::dangling_input, text.where,
                                               "the repeats of one entry have different numbers of instances");
        finding.got = fmt::format("{} of '{}'", repeat->second, marker.repeat);
        finding.expected = fmt::format("{}", count);
        finding.other = first.where;
        finding.other_role = fmt::format("'{}'", first_marker(*first.text).repeat);
        give_up(member);
        return -1;
      }
      if (count < 0) first = text;
      count = repeat->second;
    }
    return count;
  }

  // What is wrong is reported: nothing more is to be said of these references.
  void give_up(Member& member) const {
    for (const Text& text : references_of(member, keys_)) {
      if (first_marker(*text.text).size == 0) continue;
      if (text.value != nullptr)
        text.value->broken = true;
      else
        text.text->clear();
    }
  }

  void report_unknown(const std::string& name, const Text& text) {
    Diagnostic& finding =
        diagnostics_.add(ErrorCode::dangling_input, text.where, fmt::format("there is no repeat '{}'", name));
    finding.got = *text.text;
    finding.expected = "the name of a node with `repeat` before `/*`";
    std::vector<std::string> names;
    for (const auto& [path, count] : repeats_) names.push_back(path);
    finding.suggestion = nearest_name(name, names);
  }

  const std::vector<std::string>& keys_;
  const RepeatCounts& repeats_;
  Diagnostics& diagnostics_;
  bool full_ = false;
};

}  // namespace

std::string InstanceEntry::suffix() const {
  std::string text;
  for (const std::int64_t i : index) text += fmt::format("/{}", i);
  return text;
}

Variables InstanceEntry::with_index(const Variables& outer) const {
  Variables inner = outer;
  if (!index.empty()) inner["index"] = OptionValue(index.front());
  return inner;
}

std::vector<InstanceEntry> instances_of(const Member& entry, const std::vector<std::string>& keys,
                                        const RepeatCounts& repeats, std::int64_t count, Diagnostics& diagnostics) {
  return Unfolding(keys, repeats, diagnostics).run({{}, entry}, count);
}

std::vector<Value> instances_of(const Value& reference, const RepeatCounts& repeats, Diagnostics& diagnostics) {
  if (reference.kind != Value::Kind::scalar) return {reference};
  std::vector<Value> all;
  for (InstanceEntry& one : instances_of({reference.scalar, reference.where, {}}, {}, repeats, -1, diagnostics)) {
    all.push_back(reference);
    all.back().broken = one.member.key.empty();
    all.back().scalar = std::move(one.member.key);
  }
  return all;
}

std::vector<InstanceEntry> loss_instances(const Member& loss, const Variables& variables, const RepeatCounts& repeats,
                                          TextBudget& budget, Diagnostics& diagnostics) {
  Member one = loss;
  std::int64_t count = -1;
  if (const Value* repeat = loss.value.find("repeat"); repeat != nullptr && !repeat->is_null()) {
    Value wrapper;
    wrapper.kind = Value::Kind::map;
    wrapper.members.push_back({"repeat", repeat->where, *repeat});
    substitute(wrapper, variables, budget, diagnostics);
    Section(wrapper, fmt::format("loss '{}'", loss.key), diagnostics).read("repeat", count, 0, kMostInstances);
    std::erase_if(one.value.members, [](const Member& m) { return m.key == "repeat"; });
  }
  return instances_of(one, {"of", "in", "mean", "drawn"}, repeats, count, diagnostics);
}

}  // namespace loom
