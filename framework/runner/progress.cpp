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

Progress::Progress(ProgressOptions options)
    : options_(std::move(options)),
      terminal_(is_terminal(STDERR_FILENO)),
      colours_(has_colours(STDERR_FILENO)),
      sums_(options_.terms.size()) {}

double Progress::samples_per_second() const {
  const double seconds = total_.seconds();
  return seconds > 0 ? static_cast<double>(steps_ * options_.batch) / seconds : 0;
}

void Progress::add(const StepReport& report) {
  ++steps_;
  if (report.skipped) {
    ++skipped_;
    return;
  }
  ++summed_;
  loss_sum_ += report.loss;
  for (std::size_t t = 0; t < sums_.size() && t < report.terms.size(); ++t) sums_[t] += report.terms[t];
}

void Progress::set_terms(std::vector<std::string> terms, std::int64_t steps) {
  options_.steps = steps;
  if (terms == options_.terms) return;
  options_.terms = std::move(terms);
  sums_.assign(options_.terms.size(), 0.0);
  loss_sum_ = 0;
  summed_ = 0;
}

void Progress::step(const StepReport& report) {
  add(report);
  if (options_.quiet) return;
  const bool last = report.step == options_.steps;
  if (last || since_shown_.seconds() >= (terminal_ ? kBarSeconds : options_.every_seconds)) show(report);
}

void Progress::show(const StepReport& report) {
  const double seconds = since_shown_.seconds();
  const double newest = static_cast<double>((steps_ - steps_at_shown_) * options_.batch) / std::max(seconds, 1e-9);
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
  since_shown_.restart();
  steps_at_shown_ = steps_;
  std::ranges::fill(sums_, 0.0);
  loss_sum_ = 0;
  summed_ = 0;
}

std::string Progress::figures(const StepReport& report) const {
  const double left = rate_ > 0 ? static_cast<double>((options_.steps - report.step) * options_.batch) / rate_ : 0;
  std::string text =
      fmt::format("step {}/{}  {:.0f} samples/s  {} left", report.step, options_.steps, rate_, readable_time(left));
  if (summed_ > 0) {
    const auto count = static_cast<double>(summed_);
    text += fmt::format("  loss {:.2f}", loss_sum_ / count);
    for (std::size_t t = 0; t < sums_.size(); ++t) {
      if (!std::isnan(sums_[t])) text += fmt::format("  {} {:.2f}", options_.terms[t], sums_[t] / count);
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
