// graph-runner check: the rules for types, checked for one type or for all types of a library.
#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "document/section.h"
#include "graph/check_options.h"
#include "loom/check.h"
#include "plugin/registries.h"
#include "runner/allocation_counter.h"
#include "runner/check_data.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

struct CheckFlags {
  std::vector<std::string> plugins;
  std::string subject;
  std::vector<std::string> options, shapes;
  std::int64_t samples = 4, classes = 2;
  std::uint64_t seed = 1;
  int threads = 0;
  bool evaluation = false, strict = false;
};

// An option's value as YAML would read it: a flag, a number, a text, or [a list].
OptionValue parse_value(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  if (text.starts_with('{')) {
    Diagnostics found;
    OptionValue map = node_option_value(parse_yaml(text, "--set", found), "--set", found);
    found.throw_if_any();
    return map;
  }
  if (text.starts_with('[') && text.ends_with(']')) {
    std::vector<OptionValue> items;
    for (std::size_t at = 1; at + 1 < text.size();) {
      const std::size_t end = std::min(text.find(',', at), text.size() - 1);
      const std::size_t first = text.find_first_not_of(' ', at);
      items.push_back(parse_value(text.substr(first, end - first)));
      at = end + 1;
    }
    return items;
  }
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, problem] = std::from_chars(text.data(), end, integer); problem == std::errc() && at == end)
    return integer;
  double number = 0;
  if (const auto [at, problem] = std::from_chars(text.data(), end, number); problem == std::errc() && at == end)
    return number;
  return text;
}

// A type to check, of any kind.
struct Subject {
  RegisteredType type;
  std::function<check::CheckTable(const check::TypeCheck&)> check;
};
using Subjects = std::vector<Subject>;

bool is_library(const std::string& subject) {
  return subject.find('/') != std::string::npos || subject.ends_with(".so");
}

[[noreturn]] void unknown(const std::string& name, const Registry& registry) {
  std::vector<std::string> names;
  for (const RegisteredType& type : registry.types()) names.push_back(type.name);
  Diagnostic finding;
  finding.code = ErrorCode::unknown_node_type;
  finding.message = fmt::format("there is no type '{}'", name);
  finding.got = name;
  finding.expected = "a type shown by graph-runner list, or the file of a plugin library";
  finding.suggestion = nearest_name(name, names);
  throw Error(std::move(finding));
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored);
}

// The types with this name, or all types of a library.
Subjects subjects_of(const std::string& subject, const Registry& registry) {
  Subjects subjects;
  for_each_kind([&]<class Type>() {
    if constexpr (requires(std::shared_ptr<const Type> type) { check::check_type(type); }) {
      for (const std::string& name : registry.names<Type>()) {
        const auto type = registry.find<Type>(name);
        if (is_library(subject) ? !same_file(type->library, subject) : name != subject) continue;
        subjects.push_back({{Type::kKind, name, {type, &type->contract}, type->library},
                            [type](const check::TypeCheck& settings) { return check::check_type(type, settings); }});
      }
    }
  });
  if (!subjects.empty()) return subjects;
  if (!is_library(subject)) unknown(subject, registry);
  Diagnostic finding;
  finding.code = ErrorCode::plugin_invalid;
  finding.where.file = subject;
  finding.message = "this plugin does not register any type";
  finding.expected = "LOOM_NODE(Class, \"name\"), LOOM_DATASET, LOOM_OPTIMIZER, LOOM_SCHEDULE or LOOM_METRIC";
  throw Error(std::move(finding));
}

// The given options that a contract declares, checked; `used` learns their names.
Options options_for(const Contract& contract, const std::string& type, const CheckFlags& request,
                    std::vector<std::string>& used) {
  const std::vector<std::string> declared = contract.option_names();
  std::map<std::string, OptionEntry> entries;
  for (const std::string& text : request.options) {
    const auto [name, value] = name_and_value("check", "--set", text);
    if (std::ranges::find(declared, name) == declared.end()) continue;
    entries[name] = {parse_value(value), {"--set", 0, 0}};
    used.push_back(name);
  }
  Diagnostics found;
  const Options checked = check_options(contract, entries, {}, type, found);
  Options options;
  for (const auto& [name, entry] : entries) options.set(name, checked.values().at(name));
  std::vector<Diagnostic> findings;
  for (const Diagnostic& finding : found.items()) {
    if (finding.code != ErrorCode::missing_option) findings.push_back(finding);
  }
  if (!findings.empty()) throw Error(std::move(findings));
  return options;
}

std::map<std::string, Shape> shapes_for(const Contract& contract, const CheckFlags& request,
                                        std::vector<std::string>& used) {
  std::map<std::string, Shape> shapes;
  for (const std::string& text : request.shapes) {
    const auto [port, extents] = name_and_value("check", "--shape", text);
    if (contract.input_index(port) < 0 && !contract.has_open_ports()) continue;
    const std::vector<std::int64_t> numbers = extents_of("check", "--shape", extents);
    shapes[port] = Shape(std::span<const std::int64_t>(numbers));
    used.push_back(port);
  }
  return shapes;
}

// Options that no type declares are misspelt.
void check_used(const CheckFlags& request, const Subjects& subjects, const std::vector<std::string>& options,
                const std::vector<std::string>& ports) {
  const auto check = [&](const std::vector<std::string>& texts, const std::vector<std::string>& used, const char* what,
                         ErrorCode code, std::vector<std::string> (Contract::*names)() const) {
    for (const std::string& text : texts) {
      const std::string name = text.substr(0, text.find('='));
      if (std::ranges::find(used, name) != used.end()) continue;
      Diagnostic finding;
      finding.code = code;
      finding.message = fmt::format("{} has no {} '{}'", request.subject, what, name);
      for (const Subject& subject : subjects) {
        if (finding.suggestion.empty()) finding.suggestion = nearest_name(name, (*subject.type.contract.*names)());
      }
      throw Error(std::move(finding));
    }
  };
  check(request.options, options, "option", ErrorCode::unknown_option, &Contract::option_names);
  check(request.shapes, ports, "input", ErrorCode::usage, &Contract::input_names);
}

Json table_json(const check::CheckTable& table) {
  Json rows = Json::array();
  for (const check::CheckRow& row : table.rows) {
    rows.push_back({{"check", row.check},
                    {"result", std::string(check::result_text(row.result))},
                    {"finding", row.finding},
                    {"figure", json_number(row.figure)}});
  }
  return {{"type", table.type}, {"kind", table.kind},         {"library", table.library},
          {"ok", table.ok()},   {"examples", table.examples}, {"outputs", table.outputs},
          {"checks", rows}};
}

int report_checks(const std::vector<check::CheckTable>& tables, bool json) {
  int failed = 0, unchecked = 0;
  Json types = Json::array();
  for (const check::CheckTable& table : tables) {
    const check::CheckRow* example = table.find("example");
    const bool skipped = example != nullptr && example->result == check::CheckRow::Result::skipped;
    unchecked += skipped ? 1 : 0;
    failed += table.ok() || skipped ? 0 : 1;
    if (json)
      types.push_back(table_json(table));
    else
      print("{}\n", table.text());
  }
  const bool good = failed == 0 && static_cast<std::size_t>(unchecked) < tables.size();
  if (json)
    print_json({{"ok", good}, {"types", types}});
  else if (good)
    print("ok: {} types{}\n", tables.size() - static_cast<std::size_t>(unchecked),
          unchecked > 0 ? fmt::format(", {} not checked", unchecked) : "");
  else
    print("{} of {} types failed{}\n", failed, tables.size(),
          unchecked > 0 ? fmt::format(", {} not checked", unchecked) : "");
  return good ? kOk : kFailed;
}

int check(const CheckFlags& request, bool json) {
  std::vector<std::string> given = request.plugins;
  if (!is_data(request.subject) && is_library(request.subject)) given.push_back(request.subject);
  const auto registry = registry_for({{}, given});
  if (is_data(request.subject)) return check_data(*registry, request.subject, request.threads, json);
  const Subjects subjects = subjects_of(request.subject, *registry);
  std::vector<std::string> options, ports;
  std::vector<check::CheckTable> tables;
  std::vector<std::function<check::CheckTable()>> checks;
  for (const Subject& subject : subjects) {
    const Contract& contract = *subject.type.contract;
    check::TypeCheck settings;
    settings.options = options_for(contract, subject.type.name, request, options);
    settings.shapes = shapes_for(contract, request, ports);
    settings.samples = request.samples;
    settings.classes = request.classes;
    settings.seed = request.seed;
    settings.training = !request.evaluation;
    settings.strict = request.strict;
    settings.allocations = allocation_counter();
    checks.emplace_back([&subject, settings] { return subject.check(settings); });
  }
  check_used(request, subjects, options, ports);
  for (const auto& run : checks) tables.push_back(run());
  return report_checks(tables, json);
}

void add_check(CLI::App& app, Invocation& invocation) {
  Verb verb =
      add_verb(app, invocation, "check", "Check a type, or all types of a plugin library: gradients, shards, threads",
               "graph-runner check conv --set filters=4 --set kernel=3 --shape x=2,8,8,3\n"
               "  graph-runner check build/libhuber.so\n"
               "  graph-runner check images:photos,size=64");
  auto request = std::make_shared<CheckFlags>();
  verb.option("NODE", request->subject,
              "a type of any kind, the file of a plugin library, or data, TYPE:PATH,key=value: every item is read")
      .required();
  verb.option("--set", request->options, "an option: NAME=VALUE; other options get a value from their declared range")
      .one_value_each();
  verb.option("--shape,--input", request->shapes,
              "the shape of an input, samples first: NAME=4,28,28,1; other inputs get a small shape that fits")
      .one_value_each();
  verb.option("--samples", request->samples, "samples of inputs that --shape does not name")
      .at_least(1)
      .shows_default();
  verb.option("--classes", request->classes, "inputs of codes have values from 0 to CLASSES - 1")
      .at_least(1)
      .shows_default();
  verb.option("--seed", request->seed, "seed of a node that draws").shows_default();
  verb.threads_flag(request->threads, "threads that read data; 0: one per core");
  verb.flag("--eval", request->evaluation, "check in evaluation mode, not in training mode");
  verb.flag("--strict", request->strict, "treat a call that allocates memory as a failure");
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return check(*request, invocation.json); });
}
LOOM_VERB(140, add_check)

}  // namespace

}  // namespace loom::runner
