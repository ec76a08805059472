#include "live/difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "document/tree.h"

namespace loom {
namespace {

constexpr std::size_t kMost = 6;

using Parts = std::vector<std::string>;

const OptionMap* map_of(const OptionValue* value) { return value == nullptr ? nullptr : std::get_if<OptionMap>(value); }

std::string type_of(const OptionMap& map) {
  const OptionValue* type = find_member(map, "type");
  return type == nullptr ? "" : type->text();
}

// A map of numbers, words and lists with the values of a schedule; an objective, which has `from` too, has maps in it.
bool is_schedule(const OptionMap& map) {
  const bool has_values = find_member(map, "from") != nullptr || find_member(map, "values") != nullptr;
  return has_values && std::ranges::none_of(map, [](const OptionMember& member) {
           return std::holds_alternative<OptionMap>(member.value);
         });
}

std::string text_of(const OptionValue* value) {
  if (value == nullptr) return "its default";
  const OptionMap* map = map_of(value);
  if (map != nullptr && is_schedule(*map)) return "a schedule";
  if (const double* number = std::get_if<double>(value)) return fmt::format("{:g}", *number);
  return value->text();
}

void compare(const std::string& path, const OptionValue* before, const OptionValue* after, Parts& parts);
void compare_entries(const std::string& prefix, const OptionValue* before, const OptionValue* after, Parts& parts);

// The keys of `after` first, in their order, then the removed ones.
void compare_members(const std::string& path, const OptionMap& before, const OptionMap& after, Parts& parts) {
  for (const OptionMember& member : after) {
    const OptionValue* was = find_member(before, member.name);
    if (member.name == "losses" && was != nullptr)  // of an objective: names, which have no default weight
      compare_entries(path + ".losses.", was, &member.value, parts);
    else
      compare(path + "." + member.name, was, &member.value, parts);
  }
  for (const OptionMember& member : before) {
    if (find_member(after, member.name) == nullptr) compare(path + "." + member.name, &member.value, nullptr, parts);
  }
}

void compare(const std::string& path, const OptionValue* before, const OptionValue* after, Parts& parts) {
  if (before != nullptr && after != nullptr && *before == *after) return;
  const OptionMap *old = map_of(before), *now = map_of(after);
  const bool schedules = old != nullptr && now != nullptr && is_schedule(*now);
  if (schedules) {
    parts.push_back(path + " is a different schedule");
  } else if (old != nullptr && now != nullptr && type_of(*old) != type_of(*now)) {
    parts.push_back(fmt::format("{} is {} instead of {}", path, type_of(*now), type_of(*old)));
  } else if (old != nullptr && now != nullptr) {
    compare_members(path, *old, *now, parts);
  } else {
    parts.push_back(fmt::format("{} is {} instead of {}", path, text_of(after), text_of(before)));
  }
}

// Entries with names: nodes, losses, objectives, entries of generate.
void compare_entries(const std::string& prefix, const OptionValue* before, const OptionValue* after, Parts& parts) {
  static const OptionMap kNone;
  const OptionMap& old = before == nullptr ? kNone : *map_of(before);
  const OptionMap& now = after == nullptr ? kNone : *map_of(after);
  for (const OptionMember& entry : now) {
    if (const OptionValue* was = find_member(old, entry.name)) {
      compare(prefix + entry.name, was, &entry.value, parts);
      continue;
    }
    const OptionMap* map = map_of(&entry.value);
    const std::string type = map == nullptr ? "" : type_of(*map);
    parts.push_back(fmt::format("{}{}{} is new", prefix, entry.name, type.empty() ? "" : " (" + type + ")"));
  }
  for (const OptionMember& entry : old) {
    if (find_member(now, entry.name) == nullptr) parts.push_back(prefix + entry.name + " is gone");
  }
}

// A single objective has the optimizer of `train` and the losses of the document.
void compare_objectives(const OptionValue* before, const OptionValue* after, Parts& parts) {
  const OptionMap *old = map_of(before), *now = map_of(after);
  const bool single = old != nullptr && now != nullptr && old->size() == 1 && now->size() == 1 &&
                      old->front().name == now->front().name;
  if (!single) return compare_entries("objectives.", before, after, parts);
  compare("optimizer", find_member(*map_of(&old->front().value), "optimizer"),
          find_member(*map_of(&now->front().value), "optimizer"), parts);
}

}  // namespace

std::string difference(const Document& before, const Document& after) {
  const OptionMap old = document_tree(before), now = document_tree(after);
  const auto both = [&](const char* name) { return std::pair{find_member(old, name), find_member(now, name)}; };
  Parts parts;
  compare_entries("", both("nodes").first, both("nodes").second, parts);
  compare_entries("losses.", both("losses").first, both("losses").second, parts);
  compare_objectives(both("objectives").first, both("objectives").second, parts);
  compare("train", both("train").first, both("train").second, parts);
  for (const char* section : {"generate", "metrics"})
    compare_entries(fmt::format("{}.", section), both(section).first, both(section).second, parts);
  if (parts.empty()) return "settings";
  if (parts.size() > kMost) {
    const std::string rest = fmt::format("{} more", parts.size() - kMost);
    parts.resize(kMost);
    parts.push_back(rest);
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace loom
