#include "runner/background_report.h"

#include <spdlog/spdlog.h>

namespace loom::runner {
namespace {

constexpr int kNiceness = 19;

}  // namespace

BackgroundReport::BackgroundReport(std::string program, std::string run, std::vector<std::string> plugins)
    : program_(std::move(program)), run_(std::move(run)), plugins_(std::move(plugins)) {}

void BackgroundReport::renew() {
  int status = 0;
  if (process_ && process_->has_ended(status)) process_.reset();
  if (impossible_ || process_ || since_.seconds() < kRenewalSeconds) return;
  since_.restart();
  std::vector<std::string> arguments = {"report", run_, "--threads", "1"};
  for (const std::string& plugin : plugins_) arguments.insert(arguments.end(), {"--plugin", plugin});
  try {
    process_ = std::make_unique<ChildProcess>(program_, std::move(arguments), ChildProcess::Streams{}, kNiceness);
  } catch (const std::exception& problem) {
    impossible_ = true;
    spdlog::warn("the report is made when the training ends, not before: {}", problem.what());
  }
}

}  // namespace loom::runner
