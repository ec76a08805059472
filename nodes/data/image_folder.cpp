#include "image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "files.h"
#include "image_file.h"
#include "parallel.h"

namespace loom {
namespace {

constexpr std::size_t kMostNamedPictures = 20;

struct Finding {
  std::optional<Error> error;
  ImageHeader header;
};

void check_size(const std::string& file, const ImageHeader& header, const ImageFolderRequest& request) {
  const auto fail = [&](const char* what, const std::string& expected) {
    throw file_error(ErrorCode::data_shape, file, kNoOffset, what,
                     fmt::format("{} x {} pixels", header.height, header.width), expected);
  };
  if (std::min(header.height, header.width) < request.crop)
    fail("the image is smaller than crop", fmt::format("{0} x {0} pixels or more", request.crop));
  if (header.height * header.width > request.max_pixels)
    fail("the image is larger than max_pixels", fmt::format("{} pixels or fewer", request.max_pixels));
}

// What was found in each file, in their order. With `skip`, damage behind the header is found too.
std::vector<Finding> check_all(const ImageFolder& folder, const ImageFolderRequest& request) {
  std::vector<Finding> found(folder.files.size());
  in_parallel(found.size(), [&](std::size_t i) {
    const std::string& path = folder.files[i].path;
    try {
      const ImageHeader header = found[i].header = check_image(path, bytes_in(folder.archive, path));
      check_size(path, header, request);
      if (request.skip) folder.read(i, {});
    } catch (const Error& error) {
      found[i].error = error;
    }
  });
  return found;
}

// One error of the files that cannot be read.
void throw_unreadable(const std::vector<Finding>& found) {
  std::vector<Diagnostic> findings;
  std::size_t bad = 0;
  for (const auto& [error, header] : found) {
    if (error && ++bad <= kMostNamedPictures) findings.push_back(error->diagnostics().front());
  }
  if (bad == 0) return;
  findings.back().hint =
      fmt::format("{}the option unreadable=skip leaves such images out",
                  bad > kMostNamedPictures ? fmt::format("{} more are like this; ", bad - kMostNamedPictures) : "");
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
  const std::size_t named = std::min(bad.size(), kMostNamedPictures);
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

void ImageFolder::add_to(ContentHash& hash, const std::string& folder, bool format_1) const {
  if (archive) return archive->add_to(hash);
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const File& file : files) paths.push_back(file.path);
  format_1 ? add_ends_of_files(hash, folder, paths) : add_files(hash, folder, paths);
}

ImageFolder open_image_folder(const std::string& folder, const ImageFolderRequest& request) {
  LeftOut left_out;
  ImageFolder result;
  if (Archive::is_one(folder)) {
    result.archive = std::make_shared<Archive>(folder, image_endings(), request.max_bytes);
    left_out = result.archive->left_out();
  }
  const std::vector<std::string> paths =
      result.archive ? result.archive->paths() : list_files(folder, image_endings(), &left_out);
  if (std::string notice = left_out_notice(paths.size(), left_out); !notice.empty())
    result.notices.push_back(std::move(notice));
  result.parts = FolderParts(result.archive ? result.archive->root() : folder, result.archive.get());
  for (std::string& notice : result.parts.notices(paths, "image")) result.notices.push_back(std::move(notice));
  for (const std::string& path : paths) {
    if (result.parts.is_in("all", path)) result.files.push_back({path, result.parts.class_name(path)});
  }
  const std::vector<Finding> found = check_all(result, request);
  if (!request.skip) throw_unreadable(found);
  for (std::size_t i = 0; i < found.size(); ++i) result.files[i].header = found[i].header;
  const auto several = std::ranges::count_if(found, [](const Finding& one) { return one.header.several; });
  if (several > 0)
    result.notices.push_back(fmt::format("{} of {} images {} several pages or frames: the first is read", several,
                                         found.size(), several == 1 ? "has" : "have"));
  skip_unreadable(found, result);
  if (result.files.empty())
    throw file_error(ErrorCode::data_empty, folder, kNoOffset, "none of the images in the folder can be read");
  return result;
}

}  // namespace loom
