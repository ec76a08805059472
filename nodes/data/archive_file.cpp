#include "archive_file.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>

namespace loom {
namespace {

namespace fs = std::filesystem;

using Reader = std::unique_ptr<archive, decltype([](archive* reader) { archive_read_free(reader); })>;

const std::vector<std::string>& archive_endings() {
  static const std::vector<std::string> endings = {".tar",  ".zip",    ".tar.gz", ".tgz",    ".tar.bz2",
                                                   ".tbz2", ".tar.xz", ".txz",    ".tar.zst"};
  return endings;
}

// The name without the endings of an archive: "photos" of "photos.tar.gz".
std::string stem_of(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  for (const std::string& ending : archive_endings())
    if (lower_case(name).ends_with(ending)) return name.substr(0, name.size() - ending.size());
  return name;
}

// Without "./", "..", a leading / and doubled separators.
std::string clean_name(const char* name) {
  std::string clean;
  for (const fs::path& step : fs::path(name).lexically_normal().relative_path()) {
    if (step.empty() || step == "." || step == "..") continue;
    clean += (clean.empty() ? "" : "/") + step.string();
  }
  return clean;
}

bool is_hidden_entry(const std::string& name) {
  const fs::path path(name);
  return std::ranges::any_of(path, [](const fs::path& step) { return is_hidden_name(step.string()); });
}

}  // namespace

void declare_archive(Contract& c) {
  c.option("max_bytes", std::int64_t{1} << 30, integer().at_least(1),
           "how much of a compressed archive is decoded into memory; beyond it, an error", "bytes");
}

bool Archive::is_one(const std::string& path) {
  const std::string name = lower_case(path);
  return !is_folder(path) &&
         std::ranges::any_of(archive_endings(), [&](const std::string& ending) { return name.ends_with(ending); });
}

Archive::Archive(const std::string& path, const std::vector<std::string>& endings, std::int64_t max_bytes)
    : path_(path), file_(path), max_bytes_(static_cast<std::size_t>(max_bytes)) {
  const Reader reader(archive_read_new());
  if (!reader) throw std::bad_alloc();
  // Not all filters: some would start programs.
  for (const auto add_filter :
       {archive_read_support_filter_gzip, archive_read_support_filter_bzip2, archive_read_support_filter_xz,
        archive_read_support_filter_zstd, archive_read_support_format_tar, archive_read_support_format_zip})
    add_filter(reader.get());
  if (archive_read_open_memory(reader.get(), file_.bytes().data(), file_.bytes().size()) != ARCHIVE_OK)
    fail(reader.get(), "");
  archive_entry* entry = nullptr;
  int state = ARCHIVE_OK;
  while ((state = archive_read_next_header(reader.get(), &entry)) != ARCHIVE_EOF) {
    if (state != ARCHIVE_OK && state != ARCHIVE_WARN) fail(reader.get(), "");
    add(reader.get(), entry, endings);
  }
  for (const auto& [name, bytes] : files_) paths_.push_back(name);
  if (paths_.empty()) {
    const std::string notice = left_out_notice(0, left_out_);
    throw file_error(ErrorCode::data_empty, path_, kNoOffset, "the archive has no such file",
                     notice.empty() ? "none" : notice, "files that end in " + joined(endings));
  }
  find_root();
}

// Of several files with one name the last one counts, as when the archive is unpacked.
void Archive::add(archive* reader, archive_entry* entry, const std::vector<std::string>& endings) {
  const char* stored = archive_entry_pathname_utf8(entry);
  if (stored == nullptr) stored = archive_entry_pathname(entry);
  if (stored == nullptr) fail(reader, "");
  const std::string name = clean_name(stored);
  if (archive_entry_filetype(entry) == AE_IFDIR || name.empty() || is_hidden_entry(name)) return;
  const std::string ending = lower_case(fs::path(name).extension().string());
  const bool is_file = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
  if (!is_file || std::ranges::find(endings, ending) == endings.end()) {
    ++left_out_[is_file ? ending : "links"];
    return;
  }
  files_[path_ + "/" + name] = content(reader, static_cast<std::size_t>(archive_entry_size(entry)), name);
}

std::span<const std::byte> Archive::content(archive* reader, std::size_t announced, const std::string& name) {
  const std::byte* const first = file_.bytes().data();
  const std::byte* const last = first + file_.bytes().size();
  const std::less_equal<> before;
  std::span<const std::byte> view(first, 0);
  std::vector<std::byte> copy;
  bool is_view = true;
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  int state = ARCHIVE_OK;
  while ((state = archive_read_data_block(reader, &data, &size, &offset)) == ARCHIVE_OK || state == ARCHIVE_WARN) {
    const auto* const block = static_cast<const std::byte*>(data);
    const auto place = static_cast<std::size_t>(offset);
    const bool in_file = before(first, block) && before(block + size, last);
    if (is_view && in_file && place == view.size() && (view.empty() || block == view.data() + view.size())) {
      view = {view.empty() ? block : view.data(), view.size() + size};
      continue;
    }
    if (is_view) copy.assign(view.begin(), view.end());
    is_view = false;
    const std::size_t end = place + size;
    if (end < place || std::max(end, announced) > max_bytes_ - decoded_bytes_) refuse_to_decode(name);
    copy.resize(std::max(copy.size(), end));
    std::copy_n(block, size, copy.begin() + static_cast<std::ptrdiff_t>(place));
  }
  if (state != ARCHIVE_EOF) fail(reader, name);
  if (is_view) return view;
  decoded_bytes_ += copy.size();
  return decoded_.emplace_back(std::move(copy));
}

void Archive::refuse_to_decode(const std::string& name) const {
  Diagnostic finding =
      file_error(ErrorCode::data_wrong_format, path_ + "/" + name, kNoOffset,
                 "the archive is too large to be decoded into memory", fmt::format("more than {} bytes", max_bytes_),
                 "a tar that is not compressed, or a larger max_bytes")
          .diagnostics()
          .front();
  finding.hint = "gunzip, unxz or zip -0 stores the files as they are: then they are read from their place";
  throw Error(std::move(finding));
}

void Archive::find_root() {
  root_ = path_;
  std::string top;
  bool has_folders = false;
  for (const std::string& path : paths_) {
    const std::string name = path.substr(path_.size() + 1);
    const std::size_t end = name.find('/');
    if (end == std::string::npos || (!top.empty() && top != name.substr(0, end))) return;
    top = name.substr(0, end);
    has_folders = has_folders || name.find('/', end + 1) != std::string::npos;
  }
  if (has_folders || top == stem_of(path_)) root_ += "/" + top;
}

void Archive::fail(archive* reader, const std::string& name) const {
  const char* reason = archive_error_string(reader);
  const std::string text = reason == nullptr ? "unknown" : reason;
  const bool is_cut = lower_case(text).find("truncated") != std::string::npos;
  const bool is_other = text.find("nrecognized") != std::string::npos;
  throw file_error(is_cut     ? ErrorCode::data_truncated
                   : is_other ? ErrorCode::data_wrong_format
                              : ErrorCode::data_corrupt,
                   name.empty() ? path_ : path_ + "/" + name, kNoOffset,
                   is_other ? "this is no archive that can be read" : "the archive cannot be read", text,
                   "a whole tar or zip");
}

void Archive::add_to(ContentHash& hash) const {
  for (const std::string& path : paths_) hash.add(std::string_view(path).substr(root_.size()));
  add_files(hash, path_, {path_});
}

std::span<const std::byte> bytes_in(const std::shared_ptr<const Archive>& archive, const std::string& path) {
  return archive ? archive->bytes(path) : std::span<const std::byte>();
}

}  // namespace loom
