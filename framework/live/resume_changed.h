// Resumes a run with changes: with other settings, other data, another document. A change is prepared and tried as one of
// a running training is (preparer.h), takes over the state of the newest checkpoint, and is committed to the run with a
// checkpoint of the same step. A further resume, without changes, continues from there.
//
// Ownership: values. Thread safety: one thread; the process holds the run's lock. Errors: those of a change
// (preparer.h), candidate_unfit for a seed, usage for fewer steps than are done. The run is then as it was.
#pragma once

#include <string>
#include <vector>

#include "live/preparer.h"
#include "train/run_folder.h"

namespace loom {

struct ResumeChanges {
  std::vector<std::string> overrides;  // of the document: "path=value"
  std::string data;                    // TYPE:PATH,key=value in place of the run's; "": none
  bool accept_data = false;            // the content of the data may have changed
  SessionSettings settings;            // steps, batch, lanes, shard, algorithms, precision and threads; a seed is refused
  bool watch = false;                  // edits of the graph's files are wanted, too
  std::string who;                     // named in the run's history
  std::string program;                 // graph-runner, which runs the trial; "": there is none
  ProbationLimits limits;

  bool any() const;  // but steps and threads
};

struct Resumed {
  LiveModel model;
  std::vector<std::string> notes;  // what has changed, what was carried over, what starts anew; for people
};

// What changes of a resumed run start from: the graph file that it was started from, if that still exists; else the run's
// own document. `plugins`: of the command line.
void set_source(LiveModel& model, const RunFolder& run, const Document& document,
                const std::vector<std::string>& plugins);

// `model`: the run's registry, and what set_source() sets. `document`: that of the run.
Resumed resume_changed(RunFolder& run, LiveModel model, Document document, const ResumeChanges& changes);

}  // namespace loom
