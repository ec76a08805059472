// The checkpoints that a run keeps, and the one that it resumes from.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <ranges>

#include "io/atomic_file.h"
#include "loom/error.h"
#include "train/checkpoint.h"

namespace loom {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = "step-";
constexpr std::string_view kSuffix = ".safetensors";

// Null if the file is valid.
std::exception_ptr problem_of(const std::string& path) {
  try {
    SafetensorsFile(path).verify();
    return nullptr;
  } catch (const Error&) {
    return std::current_exception();
  }
}

// A search of the folder; nullopt where a file was removed between its listing and its reading, as a running training job
// removes its oldest checkpoints.
template <class OnCorrupt>
std::optional<std::string> search(const std::string& folder, OnCorrupt&& on_corrupt) {
  auto list = list_checkpoints(folder);
  std::exception_ptr first;
  std::vector<std::pair<std::string, std::exception_ptr>> bad;
  for (const auto& [step, path] : list | std::views::reverse) {
    const std::exception_ptr problem = problem_of(path);
    if (!problem) {
      for (const auto& [corrupt, reason] : bad) on_corrupt(corrupt, reason, path);
      return path;
    }
    std::error_code ignored;  // a link to nothing, or a file that may not be read, is there and is named
    if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) return std::nullopt;
    if (!first) first = problem;
    bad.emplace_back(path, problem);
  }
  if (first) std::rethrow_exception(first);
  return "";
}

// The newest valid one, empty where the folder has none; `on_corrupt` is called for each invalid one that is newer. Throws
// the newest one's error if none is valid.
template <class OnCorrupt>
std::string newest_valid(const std::string& folder, OnCorrupt&& on_corrupt) {
  constexpr int kSearches = 100;  // each repetition takes a checkpoint that was written and removed meanwhile
  for (int i = 0; i < kSearches; ++i) {
    if (auto path = search(folder, on_corrupt)) return *path;
  }
  throw Error(ErrorCode::run_not_found,
              fmt::format("the checkpoints of {} are removed faster than they can be read", folder),
              "copy the run while nothing writes to it");
}

void warn(const std::string& corrupt, const std::exception_ptr& problem, const std::string& instead) {
  try {
    std::rethrow_exception(problem);
  } catch (const Error& error) {
    spdlog::warn("{} cannot be used; falling back to {}\n{}", corrupt, fs::path(instead).filename().string(),
                 error.what());
  }
}

}  // namespace

std::string checkpoint_name(std::int64_t step) { return fmt::format("{}{:06}{}", kPrefix, step, kSuffix); }

std::optional<std::int64_t> checkpoint_step(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix) || name.size() <= kPrefix.size() + kSuffix.size())
    return std::nullopt;
  const char* end = name.data() + name.size() - kSuffix.size();
  std::int64_t step = 0;
  const auto [stop, problem] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (problem != std::errc() || stop != end || step < 0) return std::nullopt;
  return step;
}

std::vector<std::pair<std::int64_t, std::string>> list_checkpoints(const std::string& folder) {
  std::vector<std::pair<std::int64_t, std::string>> list;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const auto step = checkpoint_step(entry.path().filename().string());
    if (step) list.emplace_back(*step, entry.path().string());
  }
  std::ranges::sort(list);
  return list;
}

std::string find_checkpoint(const std::string& folder, bool best) {
  const std::string best_path = folder + "/best.safetensors";
  std::error_code ignored;
  if (best && fs::exists(best_path, ignored)) {
    const std::exception_ptr problem = problem_of(best_path);
    if (!problem) return best_path;
    warn(best_path, problem, "the newest checkpoint");
  }
  std::string path = newest_valid(folder, warn);
  if (path.empty()) {
    throw Error(ErrorCode::run_not_found, fmt::format("{} has no checkpoint", folder),
                "train the run first, or resume it");
  }
  return path;
}

CheckpointFolder::CheckpointFolder(std::string folder, std::int64_t keep)
    : folder_(std::move(folder)), keep_(std::max<std::int64_t>(1, keep)) {
  std::error_code problem;
  fs::create_directories(folder_, problem);
  if (problem) throw Error(ErrorCode::write_failed, fmt::format("cannot create {}: {}", folder_, problem.message()));
  remove_temporaries(folder_);
}

std::string CheckpointFolder::save(const CheckpointInfo& info, std::span<const NamedTensor> tensors) {
  std::string path = path_of(info.step);
  write_safetensors(path, tensors, info.to_metadata());
  auto list = list_checkpoints(folder_);
  std::erase_if(list, [&](const auto& item) { return item.first > info.step; });
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep_) < list.size(); ++i) {
    std::error_code ignored;  // an old file that cannot be removed does no harm
    fs::remove(list[i].second, ignored);
  }
  return path;
}

void CheckpointFolder::save_best(const CheckpointInfo& info, std::span<const NamedTensor> tensors) {
  const std::string saved = path_of(info.step);
  std::error_code ignored;
  if (fs::exists(saved, ignored))
    link_or_copy(saved, best_path());
  else
    write_safetensors(best_path(), tensors, info.to_metadata());
}

std::string CheckpointFolder::path_of(std::int64_t step) const { return folder_ + "/" + checkpoint_name(step); }

void CheckpointFolder::save_before_evaluation(const CheckpointInfo& info, std::span<const NamedTensor> tensors) {
  write_safetensors(path_of(info.step), tensors, info.to_metadata(), false);
}

void CheckpointFolder::drop(std::int64_t step) {
  std::error_code ignored;  // one that cannot be removed does no harm
  fs::remove(path_of(step), ignored);
}

void CheckpointFolder::retire_best(std::int64_t step) {
  std::error_code ignored;
  if (fs::exists(best_path(), ignored))
    fs::rename(best_path(), fmt::format("{}/best-until-{:06}{}", folder_, step, kSuffix), ignored);
}

std::string CheckpointFolder::recover() {
  return newest_valid(folder_,
                      [](const std::string& corrupt, const std::exception_ptr& problem, const std::string& instead) {
                        warn(corrupt, problem, instead);
                        std::error_code ignored;
                        fs::rename(corrupt, corrupt + ".corrupt", ignored);
                      });
}

}  // namespace loom
