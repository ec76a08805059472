#include "sound_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "files.h"

namespace loom {
namespace {

const std::vector<std::string> kEndings = {".wav",  ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif",
                                           ".aiff", ".aifc", ".au",  ".snd", ".w64",  ".caf", ".rf64"};

// The one file that the path names within an archive, as "speech.tar/yes/0.wav".
std::optional<SoundFiles> find_in_archive(const std::string& path, std::int64_t max_bytes) {
  std::error_code failed;
  if (std::filesystem::exists(path, failed)) return std::nullopt;
  for (std::filesystem::path file = std::filesystem::path(path).parent_path();
       !file.empty() && file != file.root_path(); file = file.parent_path()) {
    if (!Archive::is_one(file.string()) || !is_file(file.string())) continue;
    const auto archive = std::make_shared<const Archive>(file.string(), kEndings, max_bytes);
    if (std::ranges::find(archive->paths(), path) == archive->paths().end()) return std::nullopt;
    return SoundFiles{{path}, FolderParts(archive->root(), archive.get()), archive, ""};
  }
  return std::nullopt;
}

}  // namespace

std::string counted(std::size_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

SoundFiles find_sounds(const std::string& path, std::int64_t max_bytes) {
  if (std::optional<SoundFiles> member = find_in_archive(path, max_bytes)) return std::move(*member);
  require_exists(path);
  if (Archive::is_one(path)) {
    const auto archive = std::make_shared<const Archive>(path, kEndings, max_bytes);
    return {archive->paths(), FolderParts(archive->root(), archive.get()), archive,
            left_out_notice(archive->paths().size(), archive->left_out())};
  }
  if (!is_folder(path)) return {{path}, FolderParts(path, nullptr), nullptr, ""};
  LeftOut left_out;
  std::vector<std::string> paths = list_files(path, kEndings, &left_out);
  std::string notice = left_out_notice(paths.size(), left_out);
  return {std::move(paths), FolderParts(path, nullptr), nullptr, std::move(notice)};
}

}  // namespace loom
