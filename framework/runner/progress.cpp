#include "runner/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "runner/console.h"

namespace loom::runner {
namespace {

constexpr double kBarSeconds = 0.1;  // between redraws
constexpr double kSmoothing = 0.3;   // weight of the newest rate
constexpr std::size_t kLongestBar = 24;

}  // namespace

std::vector<ShownTerm> shown_terms(const Session& session) {
  const TrainingPlan& plan = session.plan();
  std::vector<ShownTerm> shown;
  for (std::size_t t = 0; t < plan.terms.size(); ++t) {
    const auto weight = [&plan, t](std::int64_t step) {
      for (const Objective& objective : plan.objectives) {
        const auto at = std::ranges::find(objective.terms, static_cast<int>(t));
        if (at != objective.terms.end())
          return objective.weight(static_cast<std::size_t>(at - objective.terms.begin()), step);
      }
      return 0.0;
    };
    shown.push_back({plan.terms[t].name, weight});
  }
  return shown;
}

Progress::Progress(ProgressOptions options)
    : options_(std::move(options)),
      terminal_(is_terminal(STDERR_FILENO)),
      colours_(has_colours(STDERR_FILENO)),
      means_(options_.terms.size()) {}

double Progress::samples_per_second() const {
  const double seconds = total_.seconds();
  return seconds > 0 ? static_cast<double>(steps_ * options_.batch) / seconds : 0;
}

void Progress::set_terms(std::vector<ShownTerm> terms, std::int64_t steps) {
  options_.steps = steps;
  const bool same = std::ranges::equal(terms, options_.terms, {}, &ShownTerm::name, &ShownTerm::name);
  options_.terms = std::move(terms);
  if (!same) means_ = StepMeans(options_.terms.size());
}

void Progress::step(const StepReport& report) {
  ++steps_;
  if (report.skipped) ++skipped_;
  means_.add(report);
  if (options_.quiet) return;
  const bool last = report.step == options_.steps;
  if (last || means_.seconds() >= (terminal_ ? kBarSeconds : options_.every_seconds)) show(report);
}

void Progress::show(const StepReport& report) {
  const double newest = means_.steps_per_second() * static_cast<double>(options_.batch);
  rate_ = rate_ > 0 && terminal_ ? rate_ + kSmoothing * (newest - rate_) : newest;
  const std::string text = figures(report);
  if (terminal_) {
    const auto width = static_cast<std::size_t>(terminal_width(STDERR_FILENO) - 1);
    const std::size_t room = width > text.size() + 2 ? std::min(kLongestBar, width - text.size() - 2) : 0;
    say("\r\x1b[K" + (room >= 8 ? bar(report, room) + " " : "") + text.substr(0, width));
    shown_ = true;
  } else {
    say(text + "\n");
  }
  means_.restart();
}

std::string Progress::figures(const StepReport& report) const {
  const double left = rate_ > 0 ? static_cast<double>((options_.steps - report.step) * options_.batch) / rate_ : 0;
  std::string text =
      fmt::format("step {}/{}  {:.0f} samples/s  {} left", report.step, options_.steps, rate_, readable_time(left));
  if (means_.applied() > 0) {
    text += fmt::format("  loss {:.2f}", means_.loss());
    for (std::size_t t = 0; t < means_.terms(); ++t) {
      if (std::isnan(means_.term(t))) continue;
      const double weight = options_.terms[t].weight(report.step - 1);
      text += fmt::format("  {} {:.2f}", options_.terms[t].name, means_.term(t));
      if (weight != 1) text += fmt::format(" x {:.3g}", weight);
    }
    text += " nats";
  }
  if (skipped_ > 0) text += fmt::format("  {} skipped", skipped_);
  return text;
}

std::string Progress::bar(const StepReport& report, std::size_t width) const {
  const double share = options_.steps > 0 ? static_cast<double>(report.step) / static_cast<double>(options_.steps) : 1;
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  std::string text = colours_ ? "\x1b[32m" : "";
  for (std::size_t i = 0; i < full; ++i) text += "━";
  if (colours_) text += "\x1b[90m";
  for (std::size_t i = full; i < width; ++i) text += colours_ ? "━" : "─";
  return text + (colours_ ? "\x1b[0m" : "");
}

void Progress::line(const std::string& text) {
  if (options_.quiet) return;
  clear();
  say(text + "\n");
}

void Progress::clear() {
  if (shown_) say("\r\x1b[K");
  shown_ = false;
}

}  // namespace loom::runner
