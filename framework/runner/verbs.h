// The verbs of graph-runner: each adds itself to the command line, one file per verb.
//
// Parsing only fills in the Invocation; what a verb does runs afterwards, so that its errors are never mistaken for
// errors of the command line.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "loom/error.h"

namespace loom::runner {

struct Invocation {
  bool json = false;
  std::function<int()> action;  // of the verb that was asked for; returns the exit code
};

void add_train(CLI::App& app, Invocation& invocation);
void add_eval(CLI::App& app, Invocation& invocation);
void add_run(CLI::App& app, Invocation& invocation);
void add_sample(CLI::App& app, Invocation& invocation);
void add_reconstruct(CLI::App& app, Invocation& invocation);
void add_encode(CLI::App& app, Invocation& invocation);
void add_decode(CLI::App& app, Invocation& invocation);
void add_traverse(CLI::App& app, Invocation& invocation);
void add_interpolate(CLI::App& app, Invocation& invocation);
void add_list(CLI::App& app, Invocation& invocation);
void add_inspect(CLI::App& app, Invocation& invocation);
void add_validate(CLI::App& app, Invocation& invocation);
void add_schema(CLI::App& app, Invocation& invocation);
void add_render(CLI::App& app, Invocation& invocation);
void add_check(CLI::App& app, Invocation& invocation);
void add_new_plugin(CLI::App& app, Invocation& invocation);
void add_bench(CLI::App& app, Invocation& invocation);
void add_ctl(CLI::App& app, Invocation& invocation);
void add_trial(CLI::App& app, Invocation& invocation);
void add_version(CLI::App& app, Invocation& invocation);

// A verb with its one line of help and an example.
CLI::App* add_verb(CLI::App& app, const std::string& name, const std::string& summary, const std::string& example);
// Its --json.
void add_json(CLI::App* verb, Invocation& invocation);
// Its --plugin: libraries beside those of the standard folder and those that the graph names.
void add_plugins(CLI::App* verb, std::vector<std::string>& plugins);
// Checks of a flag's number and of its word, which say what was given and what is taken.
CLI::Validator at_least(std::int64_t least);
CLI::Validator one_of(std::vector<std::string> words);
// A wrong use that only the verb can see; `verb` for the hint.
Error usage_error(const std::string& verb, std::string message);
// "name=value" cut in two; throws Error(usage) that names `flag`.
std::pair<std::string, std::string> name_and_value(const std::string& verb, const std::string& flag,
                                                   const std::string& text);
// "4,3" as numbers; throws Error(usage).
std::vector<std::int64_t> extents_of(const std::string& verb, const std::string& flag, const std::string& text);
// "0,2,5" as numbers >= 0; throws Error(usage).
std::vector<std::int64_t> indices_of(const std::string& verb, const std::string& flag, const std::string& text);

}  // namespace loom::runner
