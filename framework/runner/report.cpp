// graph-runner report: samples, reconstructions and the report of a run, made anew from its checkpoints.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "report/finish.h"
#include "runner/console.h"
#include "runner/verbs.h"
#include "train/run_folder.h"

namespace loom::runner {
namespace {

struct ReportFlags {
  std::string run;
  std::vector<std::string> plugins;
  int threads = 0;
  bool newest = false;
};

int renew_report(const ReportFlags& request, bool json) {
  RunFolder::open(request.run, false);  // what is no run is an error, and not a picture that is missing
  const report::FinishedFiles files =
      report::finish_run(request.run, {.newest = request.newest,
                                       .plugins = request.plugins,
                                       .threads = request.threads,
                                       .notice = [](const std::string& text) { spdlog::warn("{}", text); }});
  if (json) {
    nlohmann::ordered_json paths;
    for (const report::FinishedFile* file : files.all()) paths[file->name] = file->path;
    print_json(paths);
  } else {
    for (const report::FinishedFile* file : files.all())
      if (!file->path.empty()) print("{}\n", file->path);
  }
  return files.report.path.empty() ? kFailed : kOk;
}

void add_report(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "report", "Make the samples, the reconstructions and the report of a run anew",
                       "graph-runner report runs/first");
  auto request = std::make_shared<ReportFlags>();
  verb.option("RUN", request->run, "a run folder; a training job may be writing to it").required();
  verb.flag("--newest", request->newest, "the run's newest checkpoint instead of its best");
  verb.threads_flag(request->threads);
  verb.plugins_flag(request->plugins);
  verb.json_flag();
  verb.action([&invocation, request] { return renew_report(*request, invocation.json); });
}
LOOM_VERB(32, add_report)

}  // namespace
}  // namespace loom::runner
