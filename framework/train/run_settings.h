// The settings of a run: what a training job is started with beside its document, and what a resumed one must be given
// again. A session stores them once; run.json holds them, except for threads and cache, which belong to a process.
//
// Ownership: values. Thread safety: values. Errors: out_of_range of with_settings(); checkpoint_corrupt of a run.json
// that is broken.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/card.h"
#include "document/document.h"

namespace loom {

// Weights that a run started with, of a run that its document uses, or of --init: its own checkpoints hold them, too.
struct LoadedWeights {
  std::string nodes;       // the prefix of the paths: "vq/"; "": all of them
  std::string file;        // with its absolute path
  std::string hash;        // the file's checksum
  std::int64_t step = -1;  // of the checkpoint; -1: of a file that is none
};

// Where the first weights of a run come from: whatever fits is taken.
struct InitialWeights {
  std::string path;                                              // the folder of a run, or a safetensors file
  bool newest = false;                                           // a run's newest checkpoint in place of its best
  std::vector<std::pair<std::string, std::string>> rename = {};  // a name in the file, and the node here
};

// What the run's document was made from, for changes of it while it trains.
struct RunSource {
  std::string graph;                            // the file, with its absolute path; "": not known
  std::vector<std::string> overrides;           // "path=value"
  std::vector<std::vector<std::string>> nodes;  // words of ctl swap
  std::vector<std::string> plugins;             // of --plugin; not in run.json, since a run may come from elsewhere
};

// Format of run.json. 2: the run has a data card, and graph.yaml holds the settings. Runs of format 1 have neither; the
// next resume adds both.
inline constexpr int kRunFormat = 2;
inline constexpr int kMaxLanes = 4096;  // each holds gradient sums of every parameter

struct RunSettings {
  std::uint64_t seed = 1;
  int lanes = 1;                      // 0 until the programs of a session are made: chosen from the shapes
  std::int64_t shard = 1, batch = 1;  // samples; shard 0 until the programs are made: chosen from the shapes
  std::int64_t steps = 0;             // to be done in all
  std::string algorithms = "direct";  // run/algorithms.h, as is the next one
  std::string precision = "f32";
  std::string isa = {};               // instruction set of where run.json was written; "": by an older version
  DataEntry data = {};                        // as used: of the document, or what stood in its place
  std::shared_ptr<const DataCard> card = {};  // of data.json; null before the data was opened, and in runs of format 1
  int format = kRunFormat;                    // of run.json as it was read
  std::string version = {};                   // of the program that started the run
  std::vector<LoadedWeights> weights = {};
  RunSource source = {};
  int threads = 0;         // 0: every core
  std::string cache = {};  // a folder for what frozen nodes make of the data; "": it is computed anew in every step

  std::string to_json() const;
  static RunSettings from_json(const std::string& text, const std::string& file);
};

// What a caller wants in place of the document's own settings. The fields are those of RunSettings.
struct SessionSettings {
  std::optional<DataEntry> data = {};
  std::shared_ptr<const DataCard> card = {};
  std::optional<std::int64_t> steps = {}, batch = {};
  std::optional<std::uint64_t> seed = {};
  int threads = 0;
  int lanes = 0;                                // 0: chosen from the shapes, as is the next one
  std::int64_t shard = 0;
  std::string algorithms = {}, precision = {};  // run/algorithms.h; "": the default, or as recorded
  std::string cache = {};
  std::vector<LoadedWeights> weights = {};
  std::optional<InitialWeights> init = {};  // of a session that starts
  RunSource source = {};
};

// The settings of a session: what is wanted, else what the document says.
RunSettings settings_of(const Document& document, SessionSettings wanted = {});
// The document with the settings in place of its own, in its text too: RUN/graph.yaml says what was run.
Document with_settings(Document document, const RunSettings& settings);
// The settings that a run was started with, with `wanted` (steps, threads) on top.
SessionSettings settings_of(const RunSettings& run, SessionSettings wanted = {});

}  // namespace loom
