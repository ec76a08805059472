#include "image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include "files.h"
#include "image_file.h"

namespace loom {
namespace {

namespace fs = std::filesystem;
using Part = ImageFolder::Part;

constexpr std::size_t kMostNamed = 20;

// The folders that divide a data set, or two empty names.
struct Division {
  std::string train, test;
  bool found() const { return !train.empty() && !test.empty(); }
};

// The folders directly in `folder`, sorted; in an archive, those with images.
std::vector<std::string> folders_in(const std::string& folder, const Archive* archive) {
  std::vector<std::string> present;
  if (archive != nullptr) {
    for (const std::string& path : archive->paths()) {
      const fs::path below = fs::path(path).lexically_relative(folder);
      if (std::distance(below.begin(), below.end()) > 1) present.push_back(below.begin()->string());
    }
  } else {
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

Division find_division(const std::vector<std::string>& present) {
  return {find_folder(present, {"train", "training"}),
          find_folder(present, {"test", "testing", "val", "valid", "validation"})};
}

// Sets the part and the class of every file; in a divided folder, files outside both parts are left out.
void divide(const std::string& folder, const std::vector<std::string>& paths, ImageFolder& result) {
  const Division division = find_division(folders_in(folder, result.archive.get()));
  result.divided = division.found();
  std::map<std::string, std::int64_t> outside;
  for (const std::string& path : paths) {
    const fs::path below = fs::path(path).lexically_relative(folder);
    std::vector<std::string> steps(below.begin(), below.end());
    steps.pop_back();
    ImageFolder::File file{path, Part::any, ""};
    if (result.divided) {
      const std::string top = steps.empty() ? "" : steps.front();
      if (top != division.train && top != division.test) {
        ++outside[top];
        continue;
      }
      file.part = top == division.train ? Part::train : Part::test;
      steps.erase(steps.begin());
    }
    if (!steps.empty()) file.class_name = steps.front();
    result.files.push_back(std::move(file));
  }
  if (!result.divided) return;
  result.notices.push_back(
      fmt::format("the folders {}/ and {}/ are the splits train and test; the option holdout does not apply",
                  division.train, division.test));
  for (const auto& [name, count] : outside)
    result.notices.push_back(fmt::format("{} {} in {} {} left out: {} in neither {}/ nor {}/", count,
                                         count == 1 ? "image" : "images",
                                         name.empty() ? "the folder itself" : name + "/", count == 1 ? "was" : "were",
                                         count == 1 ? "it is" : "they are", division.train, division.test));
}

struct Finding {
  std::optional<Error> error;
  bool several = false;  // pages or frames
};

// What was found in each file, in their order. Waiting for the disk takes most of the time: more threads than cores.
std::vector<Finding> check_all(const ImageFolder& folder) {
  const std::vector<ImageFolder::File>& files = folder.files;
  std::vector<Finding> found(files.size());
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  const auto work = [&] {
    try {
      for (std::size_t i = next++; i < files.size(); i = next++) {
        try {
          found[i].several = check_image(files[i].path, bytes_in(folder.archive, files[i].path));
        } catch (const Error& error) {
          found[i].error = error;
        }
      }
    } catch (...) {
      const std::lock_guard lock(failing);
      failure = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> threads;
    const std::size_t count = std::min<std::size_t>(2 * std::max(1U, std::thread::hardware_concurrency()), 32);
    for (std::size_t i = 1; i < std::min(count, files.size() / 16); ++i) threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  return found;
}

// One error of the files that cannot be read.
void throw_unreadable(const std::vector<Finding>& found) {
  std::vector<Diagnostic> findings;
  std::size_t bad = 0;
  for (const auto& [error, several] : found) {
    if (error && ++bad <= kMostNamed) findings.push_back(error->diagnostics().front());
  }
  if (bad == 0) return;
  findings.back().hint = fmt::format("{}the option unreadable=skip leaves such images out",
                                     bad > kMostNamed ? fmt::format("{} more are like this; ", bad - kMostNamed) : "");
  throw Error(std::move(findings));
}

// Leaves out the files that cannot be read, with a notice.
void skip_unreadable(const std::vector<Finding>& found, ImageFolder& result) {
  std::vector<ImageFolder::File> good;
  std::vector<std::string> bad;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].error)
      good.push_back(std::move(result.files[i]));
    else
      bad.push_back(found[i].error->diagnostics().front().message);
  }
  result.files = std::move(good);
  if (bad.empty()) return;
  const std::size_t named = std::min(bad.size(), kMostNamed);
  std::string text = fmt::format(
      "{} of {} images {} skipped as unreadable: {}", bad.size(), found.size(), bad.size() == 1 ? "was" : "were",
      joined(std::vector<std::string>(bad.begin(), bad.begin() + static_cast<std::ptrdiff_t>(named)), "; "));
  if (named < bad.size()) text += fmt::format("; and {} more", bad.size() - named);
  result.notices.push_back(std::move(text));
}

}  // namespace

Image ImageFolder::read(std::size_t file, const ImageRequest& request) const {
  const std::string& path = files[file].path;
  return read_image(path, request, bytes_in(archive, path));
}

void ImageFolder::add_to(ContentHash& hash, const std::string& folder) const {
  if (archive) return archive->add_to(hash);
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const File& file : files) paths.push_back(file.path);
  add_files(hash, folder, paths);
}

ImageFolder open_image_folder(const std::string& folder, bool skip) {
  LeftOut left_out;
  ImageFolder result;
  if (Archive::is_one(folder)) {
    result.archive = std::make_shared<Archive>(folder, image_endings());
    left_out = result.archive->left_out();
  }
  const std::vector<std::string> paths =
      result.archive ? result.archive->paths() : list_files(folder, image_endings(), &left_out);
  if (std::string notice = left_out_notice(paths.size(), left_out); !notice.empty())
    result.notices.push_back(std::move(notice));
  divide(result.archive ? result.archive->root() : folder, paths, result);
  const std::vector<Finding> found = check_all(result);
  if (!skip) throw_unreadable(found);
  const auto several = std::ranges::count_if(found, &Finding::several);
  if (several > 0)
    result.notices.push_back(fmt::format("{} of {} images {} several pages or frames: the first is read", several,
                                         found.size(), several == 1 ? "has" : "have"));
  skip_unreadable(found, result);
  if (result.files.empty())
    throw file_error(ErrorCode::data_empty, folder, kNoOffset, "none of the images in the folder can be read");
  return result;
}

}  // namespace loom
