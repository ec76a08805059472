#include "runner/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "runner/verbs.h"

namespace loom::runner {
namespace {

std::vector<std::string> verb_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  return names;
}

const CLI::App* find_verb(const CLI::App& app, const std::string& name) {
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == name) return verb;
  }
  return nullptr;
}

std::vector<std::string> flag_names(const CLI::App& verb) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// CLI11's "Could not convert: --steps = 1e3", "--steps: At Most 1 required but received 2" and "--steps: 1 required INT
// missing", reworded.
std::string readable(const std::string& message) {
  const std::size_t none = message.find(": 1 required ");
  if (none != std::string::npos && message.ends_with(" missing")) return message.substr(0, none) + " takes a value";
  const std::size_t twice = message.find(": At Most 1 required but received ");
  if (twice != std::string::npos) return message.substr(0, twice) + " is given more than once";
  static const std::string kConversion = "Could not convert: ", kEquals = " = ";
  if (!message.starts_with(kConversion)) return message;
  const std::size_t at = message.find(kEquals);
  if (at == std::string::npos) return message;
  return fmt::format("{} takes a number, written plainly as in 1000, not '{}'",
                     message.substr(kConversion.size(), at - kConversion.size()), message.substr(at + kEquals.size()));
}

// The first flag on the command line that the verb does not have.
std::string unknown_flag(const CLI::App& verb, int count, const char* const* arguments) {
  const std::vector<std::string> known = flag_names(verb);
  for (int i = 2; i < count; ++i) {
    const std::string text(arguments[i]);
    const std::string flag = text.substr(0, text.find('='));
    if (flag.size() > 2 && flag.starts_with("--") && std::ranges::find(known, flag) == known.end()) return flag;
  }
  return "";
}

// Created by the first verb that registers, since the order in which files are initialised is unspecified.
std::multimap<int, AddVerb>& registered() {
  static std::multimap<int, AddVerb> verbs;
  return verbs;
}

}  // namespace

Error command_line_error(const CLI::App& app, const CLI::ParseError& problem, int count, const char* const* arguments) {
  Diagnostic finding;
  finding.code = ErrorCode::usage;
  finding.message = readable(problem.what());
  finding.hint = "graph-runner --help lists the verbs";
  const std::string name = count > 1 ? arguments[1] : "";
  const CLI::App* verb = find_verb(app, name);
  if (verb != nullptr) {
    finding.hint = fmt::format("graph-runner {} --help shows its arguments", name);
    const std::string flag = unknown_flag(*verb, count, arguments);
    if (!flag.empty()) {
      finding.message = fmt::format("{} has no flag {}", name, flag);
      finding.suggestion = nearest_name(flag, flag_names(*verb));
    }
  } else if (name.empty()) {
    finding.message = "no verb is given";
  } else {
    finding.message = fmt::format("there is no verb '{}'", name);
    finding.suggestion = nearest_name(name, verb_names(app));
  }
  return Error(std::move(finding));
}

VerbRegistration::VerbRegistration(int rank, AddVerb add) { registered().emplace(rank, add); }

void add_verbs(CLI::App& app, Invocation& invocation) {
  for (const auto& [rank, add] : registered()) add(app, invocation);
}

Verb add_verb(CLI::App& app, Invocation& invocation, const std::string& name, const std::string& summary,
              const std::string& example) {
  CLI::App* verb = app.add_subcommand(name, summary);
  verb->footer("\nExample:\n  " + example);
  return {verb, invocation};
}

Error usage_error(const std::string& verb, std::string message) {
  return Error(ErrorCode::usage, std::move(message), fmt::format("graph-runner {} --help shows its arguments", verb));
}

std::pair<std::string, std::string> name_and_value(const std::string& verb, const std::string& flag,
                                                   const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
    throw usage_error(verb, fmt::format("{} takes NAME=VALUE, not '{}'", flag, text));
  }
  return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<std::int64_t> extents_of(const std::string& verb, const std::string& flag, const std::string& text) {
  std::vector<std::int64_t> extents;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t extent = 0;
    const auto [next, problem] = std::from_chars(at, end, extent);
    if (problem != std::errc() || extent <= 0)
      throw usage_error(verb, fmt::format("{} takes extents like 4,28,28,1, not '{}'", flag, text));
    extents.push_back(extent);
    if (next == end) return extents;
    if (*next != ',' && *next != 'x')
      throw usage_error(verb, fmt::format("{} takes extents like 4,28,28,1, not '{}'", flag, text));
    at = next + 1;
  }
}

std::vector<std::int64_t> indices_of(const std::string& verb, const std::string& flag, const std::string& text) {
  std::vector<std::int64_t> indices;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::int64_t index = 0;
    const auto [next, problem] = std::from_chars(at, end, index);
    if (problem != std::errc() || index < 0 || (next != end && *next != ','))
      throw usage_error(verb, fmt::format("{} takes numbers like 0,2,5, not '{}'", flag, text));
    indices.push_back(index);
    if (next == end) return indices;
    at = next + 1;
  }
}

}  // namespace loom::runner
