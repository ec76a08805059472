#include "files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace loom {
namespace fs = std::filesystem;

std::vector<std::string> list_files(const std::string& folder, const std::vector<std::string>& endings) {
  require_exists(folder);
  if (!is_folder(folder))
    throw file_error(ErrorCode::data_wrong_format, folder, kNoOffset, "this is not a folder", "a file", "a folder");
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder, fs::directory_options::follow_directory_symlink)) {
    std::string ending = entry.path().extension().string();
    std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (std::ranges::find(endings, ending) != endings.end() && entry.is_regular_file())
      files.push_back(entry.path().string());
  }
  if (files.empty()) {
    throw file_error(ErrorCode::data_empty, folder, kNoOffset, "the folder has no such file", "none",
                     "files that end in " + joined(endings));
  }
  std::ranges::sort(files);
  return files;
}

void add_files(ContentHash& hash, const std::string& folder, const std::vector<std::string>& files) {
  std::array<char, 4096> end{};
  for (const std::string& path : files) {
    hash.add(std::string_view(path).substr(std::min(path.size(), folder.size())));
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const auto size = static_cast<std::int64_t>(file.tellg());
    hash.add(size);
    for (std::int64_t offset :
         {std::int64_t{0}, std::max<std::int64_t>(0, size - static_cast<std::int64_t>(end.size()))}) {
      file.clear();
      file.seekg(offset).read(end.data(), static_cast<std::streamsize>(end.size()));
      hash.add(std::string_view(end.data(), static_cast<std::size_t>(file.gcount())));
    }
  }
}

}  // namespace loom
