#include "sound_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "files.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kEndings = {".wav",  ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif",
                                           ".aiff", ".aifc", ".au",  ".snd", ".w64",  ".caf", ".rf64"};

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
  if (Archive::is_one(path)) {
    const auto archive = std::make_shared<const Archive>(path, kEndings);
    return {archive->paths(), archive->root(), archive, left_out_notice(archive->paths().size(), archive->left_out())};
  }
  if (!is_folder(path)) return {{path}, path, nullptr, ""};
  LeftOut left_out;
  std::vector<std::string> paths = list_files(path, kEndings, &left_out);
  std::string notice = left_out_notice(paths.size(), left_out);
  return {std::move(paths), path, nullptr, std::move(notice)};
}

Classes folder_labels(const std::vector<std::string>& paths, const std::string& root) {
  std::vector<std::string> classes;
  for (const std::string& path : paths) classes.push_back(class_of(path, root));
  return numbered(classes);
}

}  // namespace loom
