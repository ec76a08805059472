#include "sound_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "loom/dataset.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kEndings = {".wav",  ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif",
                                           ".aiff", ".aifc", ".au",  ".snd", ".w64",  ".caf", ".rf64"};

struct Found {
  std::vector<std::string> sounds;
  std::map<std::string, std::size_t> others;  // number of files by their ending
  std::set<fs::path> visited;                 // folders, so that a link to a folder above ends
};

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

void walk(const fs::path& folder, Found& found) {
  std::error_code failure;
  if (!found.visited.insert(fs::canonical(folder, failure)).second) return;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    if (entry.path().filename().string().starts_with('.')) continue;
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      walk(entry.path(), found);
    } else if (entry.is_regular_file(ignored)) {
      const std::string ending = ending_of(entry.path());
      if (std::ranges::find(kEndings, ending) != kEndings.end())
        found.sounds.push_back(entry.path().string());
      else
        ++found.others[ending];
    }
  }
  if (failure)
    throw file_error(ErrorCode::read_failed, folder.string(), kNoOffset,
                     "the folder cannot be read: " + failure.message());
}

std::string left_out_notice(const Found& found) {
  std::size_t count = 0;
  std::vector<std::string> kinds;
  for (const auto& [ending, files] : found.others) {
    count += files;
    kinds.push_back(fmt::format("{} {}", files, ending.empty() ? "without an ending" : ending));
  }
  if (count == 0) return "";
  return fmt::format("{} of {} {} left out: {}", count, counted(found.sounds.size() + count, "file"),
                     count == 1 ? "was" : "were", joined(kinds));
}

// The first folder below `root` on the way to `file`, or "" for a file in `root` itself.
std::string class_of(const std::string& file, const std::string& root) {
  const fs::path below = fs::path(file).lexically_relative(root);
  return std::distance(below.begin(), below.end()) > 1 ? below.begin()->string() : "";
}

}  // namespace

std::string counted(std::size_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

SoundFiles find_sounds(const std::string& path) {
  require_exists(path);
  if (!is_folder(path)) return {{path}, ""};
  Found found;
  walk(path, found);
  const std::string left_out = left_out_notice(found);
  if (found.sounds.empty()) {
    throw file_error(ErrorCode::data_empty, path, kNoOffset, "the folder has no recording",
                     left_out.empty() ? "no file" : left_out, "files that end in " + joined(kEndings));
  }
  std::ranges::sort(found.sounds);
  return {std::move(found.sounds), left_out};
}

std::vector<std::int32_t> folder_labels(const std::vector<std::string>& paths, const std::string& root) {
  std::map<std::string, std::int32_t> numbers;
  for (const std::string& path : paths) numbers.emplace(class_of(path, root), 0);
  if (numbers.contains("")) return {};
  std::int32_t next = 0;
  for (auto& [name, number] : numbers) number = next++;
  std::vector<std::int32_t> labels;
  for (const std::string& path : paths) labels.push_back(numbers.at(class_of(path, root)));
  return labels;
}

}  // namespace loom
