#include "live/library_set.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>

#include "live/file_watch.h"
#include "loom/error.h"
#include "plugin/loader.h"
#include "plugin/registries.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

const LibraryFile* find(const std::vector<LibraryFile>& libraries, const std::string& file) {
  const auto it = std::ranges::find(libraries, file, &LibraryFile::file);
  return it == libraries.end() ? nullptr : &*it;
}

std::vector<std::string> files_of(const Registry& registry) {
  std::vector<std::string> files;
  for (const LoadedLibrary& library : registry.libraries()) files.push_back(library.file);
  return files;
}

bool is_in(const std::vector<LibraryFile>& libraries, const LibraryFile& one) {
  const LibraryFile* other = find(libraries, one.file);
  return other != nullptr && other->opened == one.opened;
}

}  // namespace

LibrarySet::LibrarySet(const Registry& registry) {
  for (const std::string& file : files_of(registry)) {
    try {
      libraries_ = with_copies({file});
    } catch (const Error&) {  // a full disk: this is reported when something must be written
      libraries_.push_back({file, file});
    }
  }
}

std::vector<std::string> LibrarySet::files() const {
  std::vector<std::string> files;
  for (const LibraryFile& library : libraries_) files.push_back(library.file);
  return files;
}

std::vector<LibraryFile> LibrarySet::with_copies(const std::vector<std::string>& files) {
  std::vector<LibraryFile> libraries = libraries_;
  for (const std::string& file : files) {
    const std::string copy = folder_.copy(file);
    const auto it = std::ranges::find(libraries, file, &LibraryFile::file);
    if (it == libraries.end())
      libraries.push_back({file, copy});
    else
      it->opened = copy;
  }
  return libraries;
}

std::unique_ptr<Registry> LibrarySet::open(const std::vector<LibraryFile>& libraries, const Registry& running) {
  auto registry = own_types();
  for_each_kind([&]<class Type>() {
    for (const std::string& name : running.names<Type>()) {
      const auto type = running.find<Type>(name);
      const LibraryFile* library = find(libraries, type->library);
      if (library != nullptr && is_in(libraries_, *library)) registry->add(*type);
    }
  });
  for (const LoadedLibrary& library : running.libraries()) {
    const LibraryFile* kept = find(libraries, library.file);
    if (kept != nullptr && is_in(libraries_, *kept)) registry->add_library(library);
  }
  for (const LibraryFile& library : libraries) {
    if (is_in(libraries_, library)) continue;
    load_plugin(*registry, library.opened, false, library.file);
    for (const RegisteredType& type : registry->types()) {
      if (type.library != library.file) continue;
      opened_.push_back(type.contract);
      break;
    }
  }
  std::erase_if(opened_, [](const std::weak_ptr<const void>& one) { return one.expired(); });
  return registry;
}

void LibrarySet::remove_copies(const std::vector<LibraryFile>& of, const std::vector<LibraryFile>& but) {
  std::error_code ignored;
  for (const LibraryFile& library : of) {
    if (library.opened != library.file && !is_in(but, library)) fs::remove(library.opened, ignored);
  }
}

void LibrarySet::keep(std::vector<LibraryFile> libraries) {
  remove_copies(libraries_, libraries);
  libraries_ = std::move(libraries);
}

void LibrarySet::drop(const std::vector<LibraryFile>& libraries) { remove_copies(libraries, libraries_); }

int LibrarySet::open_generations() const {
  return static_cast<int>(std::ranges::count_if(opened_, [](const auto& one) { return !one.expired(); }));
}

std::unique_ptr<Registry> with_private_copies(const Registry& registry) {
  auto copies = own_types();
  CopyFolder folder;
  for (const std::string& file : files_of(registry)) {
    try {
      load_plugin(*copies, folder.copy(file), false, file);
    } catch (const Error& error) {
      spdlog::warn("{} cannot be opened from a copy and therefore cannot be swapped: {}", file, error.what());
      load_plugin(*copies, file);
    }
  }
  return copies;
}

void check_library(const std::string& file) {
  Diagnostic finding;
  finding.where = {file, 0, 0};
  finding.code = ErrorCode::plugin_not_found;
  finding.message = "there is no such plugin library";
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) throw Error(std::move(finding));
  if (is_whole_library(file)) return;
  finding.code = ErrorCode::plugin_invalid;
  finding.message = "this library is incomplete: it ends before its section table";
  finding.got = fmt::format("{} bytes", fs::file_size(file, ignored));
  finding.hint = "build it again";
  throw Error(std::move(finding));
}

std::unique_ptr<Registry> open_libraries(const std::vector<LibraryFile>& libraries) {
  auto registry = own_types();
  for (const LibraryFile& library : libraries) load_plugin(*registry, library.opened, false, library.file);
  return registry;
}

}  // namespace loom
