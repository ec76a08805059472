// The flags of a verb. CLI11 stays in flags.cpp and command_line.cpp: its templates are compiled there once, not in the file
// of every verb.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace loom::runner {

struct Invocation {
  bool json = false;
  std::function<int()> action;  // of the verb that was asked for; returns the exit code
};

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// One flag or positional argument. The checks say what was given and what is taken.
class Flag {
 public:
  explicit Flag(CLI::Option* option) : option_(option) {}
  Flag& required();
  Flag& shows_default();   // in --help: the value that the variable has now
  Flag& one_value_each();  // of a list: --set A --set B, not --set A B
  Flag& at_least(std::int64_t least);
  // A number from `least` (above it where that is `excluded`) to `most`.
  Flag& between(double least, bool excluded, double most);
  Flag& one_of(std::vector<std::string> words);

 private:
  CLI::Option* option_;
};

// A verb on the command line. Parsing only fills in variables, which must outlive it, and the Invocation; what a verb does
// runs afterwards, so that its errors are never mistaken for errors of the command line.
class Verb {
 public:
  Verb(CLI::App* app, Invocation& invocation) : app_(app), invocation_(&invocation) {}
  // `name` is "--flag", or "NAME" for a positional argument. T is a number, a text, a list of texts, or std::optional of a
  // number (flags.cpp has the list).
  template <typename T>
  Flag option(const std::string& name, T& value, const std::string& help);
  Flag flag(const std::string& name, bool& value, const std::string& help);
  // --json.
  void json_flag();
  // --plugin: libraries beside those of the standard folder and those that the graph names.
  void plugins_flag(std::vector<std::string>& plugins);
  // --threads, 0: one for each core.
  void threads_flag(int& threads, const std::string& help = "threads; 0: one per core");
  // --data and --split.
  void data_flags(std::string& data, std::string& split);
  // What is done if this verb is asked for; returns the exit code.
  void action(std::function<int()> action);
  void hide();  // --help does not list it

 private:
  CLI::App* app_;
  Invocation* invocation_;
};

}  // namespace loom::runner
