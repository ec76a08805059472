#include "generate/whole_recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "loom/error.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

DataEntry as_one_item(DataEntry data, const Recording& recording) {
  for (const char* option : {"test", "validation", "limit", "split"}) data.options.erase(option);
  data.options["path"].value = recording.file;
  data.options["length"].value = recording.rounded;
  data.options["tail"].value = "pad";
  return data;
}

// The folder that all files are in.
fs::path common_folder(const std::vector<std::string>& files) {
  fs::path folder = fs::path(files.front()).parent_path();
  for (const std::string& file : files) {
    const fs::path other = fs::path(file).parent_path();
    const auto end = std::ranges::mismatch(folder, other).in1;
    fs::path common;
    for (auto part = folder.begin(); part != end; ++part) common /= *part;
    folder = common;
  }
  return folder;
}

// Level 0: the name alone; 1: with folders; 2: with the ending too.
std::string name_at(const fs::path& file, const fs::path& folder, int level) {
  if (level == 0) return file.stem().string();
  fs::path below = folder.empty() ? file : file.lexically_relative(folder);
  std::string name = (level == 1 ? below.replace_extension() : below).generic_string();
  std::ranges::replace(name, '/', '-');
  return name;
}

}  // namespace

std::vector<std::string> unique_names(const std::vector<std::string>& files) {
  if (files.empty()) return {};
  const fs::path folder = common_folder(files);
  std::vector<std::string> names;
  std::map<std::string, int> count;
  for (int level = 0; level <= 2; ++level) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (level == 0)
        names.push_back(name_at(files[i], folder, level));
      else if (count[names[i]] > 1)
        names[i] = name_at(files[i], folder, level);
    }
    count.clear();
    for (const std::string& name : names) ++count[name];
  }
  std::set<std::string> taken;
  for (std::string& name : names) {
    const std::string plain = name;
    for (int number = 2; !taken.insert(name).second; ++number) name = fmt::format("{}-{}", plain, number);
  }
  return names;
}

std::vector<Recording> whole_recordings(const ModelSource& model, const DataEntry& data, const std::string& split) {
  const std::vector<std::string> options = model.registry().dataset(data.type)
                                               ? data_contract(model.registry(), data.type).option_names()
                                               : std::vector<std::string>();
  if (!options.empty() && std::ranges::find(options, "tail") == options.end())
    throw Error(ErrorCode::data_wrong_format, fmt::format("the items of '{}' are not recordings", data.type));
  DataEntry pieces = data;
  pieces.options["tail"].value = "pad";
  const auto source = model.open(pieces, split);
  if (source->sample_rate() == 0 || source->columns().front().event.rank() == 0)
    throw Error(ErrorCode::data_wrong_format, fmt::format("the items of '{}' are not recordings", source->name()));
  const std::int64_t piece = source->columns().front().event[0];
  std::vector<Recording> recordings;
  for (std::int64_t i = 0; i < source->size(); ++i) {
    const Origin origin = source->origin(i);
    const std::int64_t length = source->length(i);
    if (recordings.empty() || recordings.back().file != origin.file)
      recordings.push_back({.file = origin.file, .piece = piece});
    Recording& recording = recordings.back();
    recording.frames = std::max(recording.frames, origin.position + (length < 0 ? piece : length));
  }
  std::vector<std::string> files;
  for (const Recording& recording : recordings) files.push_back(recording.file);
  const std::vector<std::string> names = unique_names(files);
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    Recording& recording = recordings[i];
    recording.name = names[i];
    recording.rounded = (recording.frames + piece - 1) / piece * piece;
    recording.data = as_one_item(data, recording);
  }
  return recordings;
}

}  // namespace loom
