// graph-runner report: samples, reconstructions and the report of a run, made anew from its checkpoints.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "report/finish.h"
#include "runner/console.h"
#include "runner/verbs.h"
#include "train/run_folder.h"

namespace loom::runner {
namespace {

struct Request {
  std::string run;
  std::vector<std::string> plugins;
  int threads = 0;
  bool newest = false;
};

int report(const Request& request, bool json) {
  RunFolder::open(request.run, false);  // what is no run is an error, and not a picture that is missing
  const report::FinishedFiles files =
      report::finish_run(request.run, {.newest = request.newest,
                                       .plugins = request.plugins,
                                       .threads = request.threads,
                                       .notice = [](const std::string& text) { spdlog::warn("{}", text); }});
  if (json) {
    print_json({{"samples", files.samples}, {"reconstructions", files.reconstructions}, {"report", files.report}});
  } else {
    for (const std::string& file : {files.samples, files.reconstructions, files.report})
      if (!file.empty()) print("{}\n", file);
  }
  return files.report.empty() ? kFailed : kOk;
}

void add_report(CLI::App& app, Invocation& invocation) {
  CLI::App* verb = add_verb(app, "report", "Make the samples, the reconstructions and the report of a run anew",
                            "graph-runner report runs/first");
  auto request = std::make_shared<Request>();
  verb->add_option("RUN", request->run, "a run folder; a training job may be writing to it")->required();
  verb->add_flag("--newest", request->newest, "the run's newest checkpoint instead of its best");
  verb->add_option("--threads", request->threads, "threads; 0: one per core")
      ->check(at_least(0))
      ->capture_default_str();
  add_plugins(verb, request->plugins);
  add_json(verb, invocation);
  verb->callback([&invocation, request] {
    invocation.action = [&invocation, request] { return report(*request, invocation.json); };
  });
}
LOOM_VERB(32, add_report)

}  // namespace
}  // namespace loom::runner
