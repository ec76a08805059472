#include "files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "file_digests.h"

namespace loom {
namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

namespace {

bool is_hidden(const fs::path& path) { return is_hidden_name(path.filename().string()); }

// A link to a folder that contains it would be followed without end.
bool leads_back(const fs::directory_entry& entry) {
  std::error_code failed;
  if (!entry.is_symlink(failed) || !entry.is_directory(failed)) return false;
  const std::string target = (fs::canonical(entry.path(), failed) / "").string();
  const std::string place = (fs::canonical(entry.path().parent_path(), failed) / "").string();
  return place.starts_with(target);
}

// Calls `visit` with the files below `folder` that are not hidden. A link to a missing file counts as a file: reading
// it says what is wrong.
template <class Visit>
void visit_files(const std::string& folder, Visit visit) {
  std::error_code failed;
  fs::recursive_directory_iterator it(folder, fs::directory_options::follow_directory_symlink, failed);
  for (; !failed && it != fs::recursive_directory_iterator(); it.increment(failed)) {
    std::error_code unknown;
    const bool is_folder = it->is_directory(unknown);
    if (is_folder && (is_hidden(it->path()) || leads_back(*it))) it.disable_recursion_pending();
    if (is_folder || is_hidden(it->path())) continue;
    if (it->is_regular_file(unknown) || it->is_symlink(unknown)) visit(it->path());
  }
  if (failed)
    throw file_error(ErrorCode::read_failed, folder, kNoOffset, "the folder cannot be read", failed.message());
}

}  // namespace

bool is_hidden_name(const std::string& name) {
  const std::string lower = lower_case(name);
  return lower.starts_with('.') || lower == "thumbs.db" || lower == "desktop.ini";
}

std::vector<std::string> list_files(const std::string& folder, const std::vector<std::string>& endings,
                                    LeftOut* left_out) {
  require_exists(folder);
  if (!is_folder(folder))
    throw file_error(ErrorCode::data_wrong_format, folder, kNoOffset, "this is not a folder", "a file", "a folder");
  std::vector<std::string> files;
  LeftOut others;
  visit_files(folder, [&](const fs::path& path) {
    const std::string ending = lower_case(path.extension().string());
    if (std::ranges::find(endings, ending) != endings.end())
      files.push_back(path.string());
    else
      ++others[ending];
  });
  if (files.empty()) {
    const std::string notice = left_out_notice(0, others);
    throw file_error(ErrorCode::data_empty, folder, kNoOffset, "the folder has no such file",
                     notice.empty() ? "none" : notice, "files that end in " + joined(endings));
  }
  std::ranges::sort(files);
  if (left_out != nullptr) *left_out = std::move(others);
  return files;
}

std::string left_out_notice(std::size_t taken, const LeftOut& left_out) {
  std::size_t total = taken;
  std::vector<std::string> kinds;
  for (const auto& [ending, count] : left_out) {
    total += static_cast<std::size_t>(count);
    kinds.push_back(fmt::format("{} {}", count, ending.empty() ? "without an ending" : ending));
  }
  if (kinds.empty()) return "";
  const std::size_t count = total - taken;
  return fmt::format("{} of {} {} {} left out: {}", count, total, total == 1 ? "file" : "files",
                     count == 1 ? "was" : "were", joined(kinds));
}

Column Classes::column() const {
  Column column{"label", DType::i32, {}, 0, static_cast<double>(names.size()) - 1, ColumnRole::label};
  column.classes = names;
  return column;
}

Classes numbered(const std::vector<std::string>& names) {
  std::map<std::string, std::int32_t> numbers;
  for (const std::string& name : names) numbers.emplace(name, 0);
  if (numbers.contains("")) return {};
  Classes classes;
  for (auto& [name, number] : numbers) {
    number = static_cast<std::int32_t>(classes.names.size());
    classes.names.push_back(name);
  }
  for (const std::string& name : names) classes.numbers.push_back(numbers.at(name));
  return classes;
}

void add_files(ContentHash& hash, const std::string& root, const std::vector<std::string>& files) {
  const std::vector<std::uint64_t> digests = file_digests(root, files);
  for (std::size_t i = 0; i < files.size(); ++i) {
    hash.add(std::string_view(files[i]).substr(std::min(files[i].size(), root.size())));
    hash.add(static_cast<std::int64_t>(digests[i]));
  }
}

void add_ends_of_files(ContentHash& hash, const std::string& folder, const std::vector<std::string>& files) {
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
