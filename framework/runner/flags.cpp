#include "runner/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <optional>
#include <utility>

namespace loom::runner {
namespace {

// A check of the text of a flag; `problem` of a number says what is wrong, or nothing.
template <typename Problem>
CLI::Validator number_check(Problem problem, std::string range) {
  return {[problem = std::move(problem)](std::string& text) -> std::string {
            double value = 0;
            if (!CLI::detail::lexical_cast(text, value)) return "";  // the conversion reports the error
            return problem(text, value);
          },
          std::move(range)};
}

}  // namespace

Flag& Flag::required() {
  option_->required();
  return *this;
}

Flag& Flag::shows_default() {
  option_->capture_default_str();
  return *this;
}

Flag& Flag::one_value_each() {
  option_->allow_extra_args(false);
  return *this;
}

Flag& Flag::at_least(std::int64_t least) {
  option_->check(number_check(
      [least](const std::string& text, double value) {
        return value >= static_cast<double>(least) ? "" : fmt::format("{} is less than {}", text, least);
      },
      fmt::format("at least {}", least)));
  return *this;
}

Flag& Flag::between(double least, bool excluded, double most) {
  const std::string range = fmt::format("{} {:g}{}", excluded ? "above" : "at least", least,
                                        most < kNoLimit ? fmt::format(" and at most {:g}", most) : "");
  option_->check(number_check(
      [=](const std::string& text, double value) {
        const bool good = (excluded ? value > least : value >= least) && value <= most && value < kNoLimit;
        return good ? "" : fmt::format("{} is not {}", text, range);
      },
      range));
  return *this;
}

Flag& Flag::one_of(std::vector<std::string> words) {
  const std::string list = fmt::format("{}", fmt::join(words, " or "));
  option_->check(CLI::Validator(
      [words = std::move(words), list](std::string& text) -> std::string {
        return std::ranges::find(words, text) != words.end() ? "" : fmt::format("'{}' is not {}", text, list);
      },
      list));
  return *this;
}

template <typename T>
Flag Verb::option(const std::string& name, T& value, const std::string& help) {
  return Flag(app_->add_option(name, value, help));
}
template Flag Verb::option(const std::string&, int&, const std::string&);
template Flag Verb::option(const std::string&, std::int64_t&, const std::string&);
template Flag Verb::option(const std::string&, std::uint64_t&, const std::string&);
template Flag Verb::option(const std::string&, double&, const std::string&);
template Flag Verb::option(const std::string&, std::string&, const std::string&);
template Flag Verb::option(const std::string&, std::vector<std::string>&, const std::string&);
template Flag Verb::option(const std::string&, std::optional<double>&, const std::string&);
template Flag Verb::option(const std::string&, std::optional<std::int64_t>&, const std::string&);
template Flag Verb::option(const std::string&, std::optional<std::uint32_t>&, const std::string&);
template Flag Verb::option(const std::string&, std::optional<std::uint64_t>&, const std::string&);

Flag Verb::flag(const std::string& name, bool& value, const std::string& help) {
  return Flag(app_->add_flag(name, value, help));
}

void Verb::json_flag() { flag("--json", invocation_->json, "print JSON to standard output, including errors"); }

void Verb::plugins_flag(std::vector<std::string>& plugins) {
  option("--plugin", plugins, "a plugin library to load: a file, or a name on LOOM_PLUGIN_PATH; repeatable")
      .one_value_each();
}

void Verb::threads_flag(int& threads, const std::string& help) {
  option("--threads", threads, help).at_least(0).shows_default();
}

void Verb::data_flags(std::string& data, std::string& split) {
  option("--data", data, "data instead of the run's: TYPE:PATH,key=value,...");
  option("--split", split, "split of the data").shows_default();
}

void Verb::action(std::function<int()> action) {
  app_->callback([invocation = invocation_, action = std::move(action)] { invocation->action = action; });
}

void Verb::hide() { app_->group(""); }

}  // namespace loom::runner
