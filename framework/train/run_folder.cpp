#include "train/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "io/atomic_file.h"
#include "loom/error.h"
#include "train/checkpoint.h"
#include "train/data_card_json.h"
#include "train/run_document.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

// At most the initial weights of the training job.
bool has_no_step(const fs::path& checkpoints) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints, ignored)) {
    if (entry.path().filename() != checkpoint_name(0) && entry.path().extension() != ".tmp") return false;
  }
  return true;
}

// Files that an interrupted create() may have left.
bool is_unfinished(const fs::path& path) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored)) {
    const fs::path name = entry.path().filename();
    if (name == "checkpoints" && has_no_step(entry.path())) continue;
    const bool ours =
        name == "graph.yaml" || name == "data.json" || name == ".lock" || name.string().starts_with("metrics.sqlite");
    if (!ours && name.extension() != ".tmp") return false;
  }
  return true;
}

void remove_unfinished(const fs::path& path) {
  std::error_code ignored;
  for (const fs::path& entry : {path / "checkpoints" / checkpoint_name(0), path / "data.json", path / "metrics.sqlite",
                                path / "metrics.sqlite-wal", path / "metrics.sqlite-shm"})
    fs::remove(entry, ignored);
}

}  // namespace

bool is_run_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::path(path) / "run.json", ignored);
}

void RunFolder::check_free(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  if (is_run_folder(path)) {
    throw Error(ErrorCode::run_exists, fmt::format("{} is already a run", path),
                fmt::format("resume with --resume {}, or choose another --out", path));
  }
  if (!fs::is_directory(path, ignored) || !is_unfinished(path)) {
    throw Error(ErrorCode::run_exists, fmt::format("{} contains something other than a run", path),
                "choose another --out");
  }
}

RunFolder RunFolder::create(const std::string& path, const std::string& document, const RunSettings& settings,
                            const std::function<void(const RunFolder&)>& fill) {
  check_free(path);
  std::error_code problem;
  fs::create_directories(fs::path(path) / "checkpoints", problem);
  if (problem) throw Error(ErrorCode::write_failed, fmt::format("cannot create {}: {}", path, problem.message()));
  RunFolder run(path);
  run.lock();
  check_free(path);  // another process may have created it meanwhile
  remove_temporaries(path);
  remove_unfinished(path);
  write_text_file(run.document_path(), document);
  if (fill) fill(run);
  run.update_settings(settings);
  return run;
}

RunFolder RunFolder::open(const std::string& path, bool to_train) {
  if (!is_run_folder(path)) {
    throw Error(ErrorCode::run_not_found, fmt::format("{} is not a run: it has no run.json", path),
                "start one with train GRAPH --out RUN");
  }
  RunFolder run(path);
  if (to_train) {
    run.lock();
    remove_temporaries(path);
  }
  if (const std::string kept = document_of_newest_checkpoint(path); !kept.empty()) {
    if (to_train)
      write_text_file(run.document_path_, read_text_file(kept));
    else
      run.document_path_ = kept;
  }
  std::error_code ignored;
  const bool has_card = fs::is_regular_file(run.card_path(), ignored);
  run.read_settings(read_text_file(path + "/run.json"), has_card ? read_text_file(run.card_path()) : "");
  run.finish_change(to_train);
  return run;
}

void RunFolder::read_settings(const std::string& text, const std::string& card) {
  settings_ = RunSettings::from_json(text, path_ + "/run.json");
  if (!card.empty()) {
    settings_.card = std::make_shared<DataCard>(data_card_from_json(card, card_path()));
  } else if (settings_.format >= 2) {
    throw Error(ErrorCode::checkpoint_corrupt, fmt::format("{} is missing", card_path()),
                "it says what the data of the run mean; restore it from a copy, or from the field data_card of the "
                "metadata of a checkpoint");
  }
}

void RunFolder::update_settings(const RunSettings& settings) {
  settings_ = settings;
  if (settings.card) {
    std::error_code ignored;
    const std::string card = to_json(*settings.card);
    if (!fs::exists(card_path(), ignored) || read_text_file(card_path()) != card) write_text_file(card_path(), card);
  }
  write_text_file(path_ + "/run.json", settings_.to_json());
}

void RunFolder::change(const std::string& document, const RunSettings& settings, const CheckpointInfo& after,
                       const std::function<void()>& checkpoint) {
  keep_documents(read_text_file(document_path_), document);
  begin_change(path_, {after, settings.to_json(), settings.card ? to_json(*settings.card) : ""});
  checkpoint();
  set_document(document);
  update_settings(settings);
  end_change(path_);
}

// A kill while a change was written: its checkpoint says whether it took place.
void RunFolder::finish_change(bool to_train) {
  const std::optional<SettingsChange> change = interrupted_change(path_);
  if (change) read_settings(change->settings, change->card);
  if (!to_train) return;
  if (change) update_settings(settings_);
  end_change(path_);
}

void RunFolder::keep_documents(const std::string& before, const std::string& after) const {
  keep_document(path_, before);
  keep_document(path_, after);
}

void RunFolder::set_document(const std::string& document) { write_text_file(document_path_, document); }

void RunFolder::lock() {
  const std::string file = path_ + "/.lock";
  lock_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0)
    throw Error(ErrorCode::write_failed,
                fmt::format("cannot create {}: {}", file, std::generic_category().message(errno)));
  // A look at whether the run trains (is_training) holds the lock for an instant: that is no other training.
  for (int look = 0; look < 20; ++look) {
    if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return;
    if (errno != EWOULDBLOCK) break;
    ::usleep(5'000);
  }
  if (errno != EWOULDBLOCK) return;  // on a file system without locks, the user must take care
  throw Error(ErrorCode::run_exists, fmt::format("another process is training {}", path_),
              "wait for it or stop it, or choose another --out");
}

bool is_training(const std::string& run) {
  const int lock = ::open((run + "/.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return false;
  const bool held = ::flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(lock);  // frees the shared lock, too
  return held;
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)),
      document_path_(std::move(other.document_path_)),
      settings_(std::move(other.settings_)),
      lock_(std::exchange(other.lock_, -1)) {}

RunFolder& RunFolder::operator=(RunFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(document_path_, other.document_path_);
  std::swap(settings_, other.settings_);
  std::swap(lock_, other.lock_);
  return *this;
}

RunFolder::~RunFolder() { release(); }

void RunFolder::release() {
  if (lock_ >= 0) ::close(std::exchange(lock_, -1));
}

}  // namespace loom
