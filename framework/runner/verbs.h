// The verbs of graph-runner: each registers itself and adds itself to the command line, one file a verb.
//
// runner/flags.h says how a verb declares its flags.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loom/error.h"
#include "runner/flags.h"

namespace loom::runner {

// Adds a verb, or the verbs of one file, to the command line. --help lists them by rising rank:
//   10 train, eval, run   40 what a model makes   100 graphs and nodes, looked at   140 writing and timing them
using AddVerb = void (*)(CLI::App& app, Invocation& invocation);
struct VerbRegistration {
  VerbRegistration(int rank, AddVerb add);
};
// At namespace scope of the verb's file: nothing else knows it.
#define LOOM_VERB(rank, add) const ::loom::runner::VerbRegistration registration_of_##add{rank, add};
// All that registered.
void add_verbs(CLI::App& app, Invocation& invocation);

// A verb with its one line of help and an example.
Verb add_verb(CLI::App& app, Invocation& invocation, const std::string& name, const std::string& summary,
              const std::string& example);
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
