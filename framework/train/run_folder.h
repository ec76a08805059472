// A run is a folder:
//   graph.yaml         the resolved document: enough to run it anywhere
//   run.json           the settings that the run was started with (run_settings.h); paths of data are absolute
//   data.json          the data card (data/card.h): what the data of the run mean
//   checkpoints/       step-NNNNNN.safetensors, best.safetensors
//   metrics.sqlite     the curves
//   samples.png  reconstructions.png  traversal.png  report.html
//   graphs/            the documents before and after each change during training, by their hashes; change.json, while a
//                      change is written (run_document.h)
//   control.sock       the socket for graph-runner ctl, while a process trains
//   .lock              held (flock) by the process that trains
//   cache/             outputs of frozen nodes (front_cache.h); may be removed at any time
// run.json is written last: a folder without it is not a run yet, and creating a run there starts over.
//
// Ownership: a RunFolder holds the lock while it lives, if it was opened to train. Thread safety: one thread.
// Errors: run_exists, run_not_found, write_failed, read_failed, checkpoint_corrupt (a broken run.json).
#pragma once

#include <functional>
#include <string>

#include "train/checkpoint.h"
#include "train/run_settings.h"

namespace loom {

class RunFolder {
 public:
  // Throws run_exists where `path` is a run or a folder that holds anything else.
  static void check_free(const std::string& path);
  // Makes the folder, takes the lock, writes graph.yaml and run.json; between the two `fill` may write checkpoints,
  // without which it is not a run.
  static RunFolder create(const std::string& path, const std::string& document, const RunSettings& settings,
                          const std::function<void(const RunFolder&)>& fill = {});
  // Opens a run. `to_train`: takes the lock; throws run_exists while another process holds it.
  static RunFolder open(const std::string& path, bool to_train);

  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&& other) noexcept;
  ~RunFolder();

  // Gives the lock back: another process may train the run.
  void release();

  const std::string& path() const { return path_; }
  const RunSettings& settings() const { return settings_; }
  // Resumed with other steps, or changed while it trains: rewritten atomically.
  void update_settings(const RunSettings& settings);

  // graph.yaml; a kept one (run_document.h) where the newest checkpoint is of that.
  const std::string& document_path() const { return document_path_; }
  // A document changed while the run trained: kept beside the earlier ones before the checkpoint that goes with it is
  // written, and made the run's own after that.
  void keep_documents(const std::string& before, const std::string& after) const;
  void set_document(const std::string& document);
  // The same for the document and the settings: `checkpoint` writes the checkpoint, whose metadata is `after`. A kill at any
  // instant leaves the run as it was, or changed.
  void change(const std::string& document, const RunSettings& settings, const CheckpointInfo& after,
              const std::function<void()>& checkpoint);
  std::string card_path() const { return path_ + "/data.json"; }
  std::string checkpoints_path() const { return path_ + "/checkpoints"; }
  std::string cache_path() const { return path_ + "/cache"; }
  std::string metrics_path() const { return path_ + "/metrics.sqlite"; }
  std::string samples_path() const { return path_ + "/samples.png"; }
  std::string reconstructions_path() const { return path_ + "/reconstructions.png"; }
  std::string report_path() const { return path_ + "/report.html"; }

 private:
  explicit RunFolder(std::string path) : path_(std::move(path)), document_path_(path_ + "/graph.yaml") {}
  void lock();
  void finish_change(bool to_train);
  void read_settings(const std::string& text, const std::string& card);

  std::string path_, document_path_;
  RunSettings settings_;
  int lock_ = -1;  // descriptor
};

// Whether `path` is a run (has a run.json).
bool is_run_folder(const std::string& path);
// Whether a process holds the run's lock. On a file system without locks: false.
bool is_training(const std::string& run);

}  // namespace loom
