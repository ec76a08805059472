// Checkpoints of a training run: RUN/checkpoints/step-NNNNNN.safetensors and best.safetensors.
//
// Tensors: parameters and states under their own paths ("encoder/conv1.weight"), optimizer state under
// "optimizer/<objective>/<path>/m", moving averages under "average/<path>". Metadata: what CheckpointInfo says. Nothing
// in a file depends on the clock or on threads: two runs of the same bits write the same files.
//
// Ownership: values only; files are written atomically. Thread safety: one thread; the folder's writer is the process
// that holds the run's lock. Errors: checkpoint_corrupt, checkpoint_mismatch (all diagnostics at once), write_failed.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "run/algorithms.h"
#include "run/parameter_store.h"
#include "train/guard.h"

namespace loom {

// How far a training job has come.
struct TrainProgress {
  std::int64_t step = 0;             // finished steps; the batch of a step is a function of (seed, step - data_from)
  std::int64_t data_from = 0;        // the step at which the order of the data began: 0, or a change of data or batch
  bool evaluation_pending = false;   // of this step: it is made before training continues
  std::optional<double> best_value;  // of the monitor (selection.h)
  std::int64_t best_step = 0;        // finished steps at the best value
  std::int64_t evaluations_without_improvement = 0;
};

// Where training stands, beside the tensors.
struct CheckpointInfo : TrainProgress {
  std::uint64_t seed = 0;
  int lanes = 1;
  std::int64_t shard = 1, batch = 1;  // samples
  std::string algorithms;             // run/algorithms.h, as is the next one
  std::string precision = "f32";
  std::string sums;  // of the lanes
  int arithmetic = kUnrecordedArithmetic;
  std::string isa;  // with which it was computed; "": of an older version
  std::string data_hash, document_hash;
  std::string best_of;    // what the best value is of: Selection::text(); "": none, or of an older version
  std::string data_card;  // JSON (data_card_json.h): the file alone says what its data mean; "": of an older version
  std::map<std::string, std::int64_t> optimizer_updates;                        // per objective
  std::map<std::string, std::map<std::string, std::int64_t>> optimizer_starts;  // [objective][parameter], where not 0
  std::int64_t average_updates = 0;
  GuardState guard;

  TextMap to_metadata() const;
  // `file` is named in errors.
  static CheckpointInfo from_metadata(const TextMap& metadata, const std::string& file);
};

// A step's file name: "step-000120.safetensors"; the step of a name, if it is one.
std::string checkpoint_name(std::int64_t step);
std::optional<std::int64_t> checkpoint_step(const std::string& name);

// Checks the file's checksum, then every name and shape against `expected`, both ways, then copies the tensors in:
// all of them or, where anything is wrong, none.
CheckpointInfo read_checkpoint(const std::string& file, std::span<const NamedTensor> expected);

struct WeightOptions {
  std::string prefix;    // only paths that begin with it, which the file has without it: weights of a used graph
  bool averages = true;  // the moving averages where the file has them
};
// Loads parameters and states from a checkpoint or any safetensors file with their paths; what else the file holds is
// left alone. Every parameter under the prefix must be there.
void load_weights(const std::string& file, ParameterStore& store, const WeightOptions& options = {});

class CheckpointFolder {
 public:
  // `keep`: how many of the last checkpoints stay (at least one). The folder is made where it is missing.
  CheckpointFolder(std::string folder, std::int64_t keep);

  std::string save(const CheckpointInfo& info, std::span<const NamedTensor> tensors);  // the path; removes old ones
  void save_best(const CheckpointInfo& info, std::span<const NamedTensor> tensors);    // a link where the step is saved
  // Before an evaluation: survives a kill, but is not synced, since save() or drop() follows soon. Removes no old one.
  void save_before_evaluation(const CheckpointInfo& info, std::span<const NamedTensor> tensors);
  void drop(std::int64_t step);
  std::string path_of(std::int64_t step) const;
  // The best one so far is of another graph: it becomes best-until-NNNNNN.safetensors. Nothing where there is none.
  void retire_best(std::int64_t step);
  const std::string& path() const { return folder_; }
  std::string best_path() const { return folder_ + "/best.safetensors"; }
  // The newest checkpoint whose checksum fits; empty where there is none at all. A corrupt one is warned about and set
  // aside as "*.corrupt". Throws the newest one's error where every one is corrupt.
  std::string recover();

 private:
  std::string folder_;
  std::int64_t keep_;
};

// Step checkpoints of a folder, oldest first.
std::vector<std::pair<std::int64_t, std::string>> list_checkpoints(const std::string& folder);
// For readers of a run: best.safetensors if `best` and there is one, else the newest valid one (warning about corrupt
// ones). Throws checkpoint_corrupt or run_not_found where there is none.
std::string find_checkpoint(const std::string& folder, bool best);

}  // namespace loom
