#include "sound_files.h"

#include <fmt/format.h>

#include "files.h"

namespace loom {
namespace {

const std::vector<std::string> kEndings = {".wav",  ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif",
                                           ".aiff", ".aifc", ".au",  ".snd", ".w64",  ".caf", ".rf64"};

}  // namespace

std::string counted(std::size_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

SoundFiles find_sounds(const std::string& path) {
  require_exists(path);
  if (Archive::is_one(path)) {
    const auto archive = std::make_shared<const Archive>(path, kEndings);
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
