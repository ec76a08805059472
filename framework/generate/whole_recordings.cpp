#include "generate/whole_recordings.h"

#include <fmt/format.h>

#include <algorithm>

#include "loom/error.h"

namespace loom {
namespace {

DataEntry as_one_item(DataEntry data, const Recording& recording) {
  for (const char* option : {"test", "validation", "limit", "split"}) data.options.erase(option);
  data.options["path"].value = recording.file;
  data.options["length"].value = recording.rounded;
  data.options["tail"].value = "pad";
  return data;
}

}  // namespace

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
    if (recordings.empty() || recordings.back().file != origin.file) recordings.push_back({origin.file, 0, 0, {}});
    Recording& recording = recordings.back();
    recording.frames = std::max(recording.frames, origin.position + (length < 0 ? piece : length));
  }
  for (Recording& recording : recordings) {
    recording.rounded = (recording.frames + piece - 1) / piece * piece;
    recording.data = as_one_item(data, recording);
  }
  return recordings;
}

}  // namespace loom
