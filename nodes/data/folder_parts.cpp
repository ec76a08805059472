#include "folder_parts.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

namespace loom {
namespace {

namespace fs = std::filesystem;

// The folders directly in `folder`, sorted; in an archive, those that hold a file that is read.
std::vector<std::string> folders_in(const std::string& folder, const Archive* archive) {
  std::vector<std::string> present;
  if (archive != nullptr) {
    for (const std::string& path : archive->paths()) {
      const fs::path below = fs::path(path).lexically_relative(folder);
      if (std::distance(below.begin(), below.end()) > 1) present.push_back(below.begin()->string());
    }
  } else if (is_folder(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::error_code failed;
      if (entry.is_directory(failed)) present.push_back(entry.path().filename().string());
    }
  }
  std::ranges::sort(present);
  return present;
}

// The first of `names` that is one of the folders `present`, in any case of letters.
std::string find_folder(const std::vector<std::string>& present, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (const std::string& candidate : present) {
      if (std::ranges::equal(candidate, name, [](unsigned char a, unsigned char b) { return std::tolower(a) == b; }))
        return candidate;
    }
  }
  return "";
}

}  // namespace

void declare_folder_split(Contract& c, const std::string& rule) {
  c.option("split", "train", text({"train", "test", "validation", "all"}), "which items: " + rule);
}

FolderParts::FolderParts(const std::string& root, const Archive* archive) : root_(root) {
  const std::vector<std::string> present = folders_in(root, archive);
  train_ = find_folder(present, {"train", "training"});
  test_ = find_folder(present, {"test", "testing"});
  validation_ = find_folder(present, {"val", "valid", "validation"});
  if (test_.empty()) std::swap(test_, validation_);
  if (train_.empty() || test_.empty()) train_ = test_ = validation_ = "";
}

std::vector<std::string> FolderParts::steps(const std::string& file) const {
  const fs::path below = fs::path(file).lexically_relative(root_);
  std::vector<std::string> steps(below.begin(), below.end());
  if (!steps.empty()) steps.pop_back();
  return steps;
}

bool FolderParts::is_in(const std::string& split, const std::string& file) const {
  if (!divided()) return true;
  const std::vector<std::string> way = steps(file);
  const std::string top = way.empty() ? "" : way.front();
  if (split == "all") return !top.empty() && (top == train_ || top == test_ || top == validation_);
  return top == (split == "train" ? train_ : split == "test" ? test_ : validation_) && !top.empty();
}

std::string FolderParts::class_name(const std::string& file) const {
  const std::vector<std::string> way = steps(file);
  const std::size_t first = divided() ? 1 : 0;
  return way.size() > first ? way[first] : "";
}

std::vector<std::string> FolderParts::notices(const std::vector<std::string>& files, const std::string& noun) const {
  if (!divided()) return {};
  std::vector<std::string> notices = {
      has_validation()
          ? fmt::format("the folders {}/, {}/ and {}/ are the splits train, validation and test; the option holdout "
                        "does not apply",
                        train_, validation_, test_)
          : fmt::format("the folders {}/ and {}/ are the splits train and test; the option holdout does not apply",
                        train_, test_)};
  std::map<std::string, std::int64_t> outside;
  for (const std::string& file : files) {
    const std::vector<std::string> way = steps(file);
    if (!is_in("all", file)) ++outside[way.empty() ? "" : way.front()];
  }
  for (const auto& [name, count] : outside)
    notices.push_back(fmt::format("{} {}{} in {} {} left out: not in one of these folders", count, noun,
                                  count == 1 ? "" : "s", name.empty() ? "the folder itself" : name + "/",
                                  count == 1 ? "was" : "were"));
  return notices;
}

void FolderParts::require(const std::string& split) const {
  if (split != "validation" || has_validation()) return;
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.message = fmt::format("{}: the folder has no split 'validation'", root_);
  finding.expected = "folders train, validation (or val, valid) and test";
  finding.hint = "the option validation holds out a part of train, or names another folder";
  throw Error(std::move(finding));
}

}  // namespace loom
