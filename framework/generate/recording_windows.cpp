#include "generate/recording_windows.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace loom {
namespace {

constexpr std::int64_t kReadAtOnce = std::int64_t{1} << 24;  // positions: 64 MiB a channel

std::int64_t parts_of(std::int64_t value, std::int64_t size) { return (value + size - 1) / size; }

std::int64_t rounded_up(std::int64_t value, std::int64_t multiple) { return parts_of(value, multiple) * multiple; }

std::byte* at(const TensorView& values, std::int64_t position) {
  return static_cast<std::byte*>(values.raw()) +
         position * values.shape().count_from(1) * static_cast<std::int64_t>(size_of(values.dtype()));
}

}  // namespace

std::int64_t window_core(std::int64_t piece, std::int64_t context) {
  return std::max({8 * piece, std::int64_t{16384}, 4 * context});
}

WindowPlan plan_windows(const std::vector<ReceptiveField>& fields, std::int64_t whole, std::int64_t piece,
                        std::int64_t core) {
  WindowPlan plan{.whole = whole, .window = whole};
  std::int64_t alignment = 1, before = 0, after = 0;
  for (const ReceptiveField& field : fields) {
    alignment = std::lcm(alignment, field.alignment());
    before = std::max(before, field.before());
    after = std::max(after, field.after());
  }
  before = rounded_up(before, alignment), after = rounded_up(after, alignment);
  const std::int64_t context = before + after, step = std::lcm(piece, alignment);
  core = std::max(core == 0 ? window_core(piece, context) : core, alignment);
  if (whole <= core + context) return plan;
  // Windows of about the same share, rather than a last one that is computed for a few positions.
  const std::int64_t kept = std::max(parts_of(whole - context, parts_of(whole - context, core)), alignment);
  const std::int64_t shorter = (whole - context - kept) / step * step;
  if (shorter <= 0) return plan;
  plan.window = whole - shorter;
  plan.before = before;
  plan.hop = (plan.window - context) / alignment * alignment;
  plan.count = 1 + parts_of(shorter, plan.hop);
  return plan;
}

RecordingValues describe_recording(const ModelSource& model, const Recording& recording) {
  DataEntry piece = recording.data;
  const std::int64_t length = std::min(recording.rounded, kReadAtOnce);
  piece.options["length"].value = length;
  const auto source = model.open(piece, "all");
  RecordingValues values{source->columns(), {}, source->name(), source->sample_rate(), {}};
  for (Column& column : values.columns) {
    values.follows.push_back(column.event.rank() > 0 && column.event[0] == length);
    if (values.follows.back()) column.event[0] = recording.rounded;
  }
  values.values.resize(values.columns.size());
  return values;
}

void read_recording(const ModelSource& model, const Recording& recording, const std::vector<std::string>& read,
                    RecordingValues& values) {
  DataEntry pieces = recording.data;
  pieces.options["length"].value = std::min(recording.rounded, kReadAtOnce);
  const auto source = model.open(pieces, "all");
  std::vector<Tensor> part;
  std::vector<TensorView> views;
  for (std::size_t k = 0; k < values.columns.size(); ++k) {
    const Column& column = source->columns()[k];
    part.emplace_back(column.dtype, column.event);
    views.push_back(part.back().view());
    if (std::ranges::find(read, column.name) == read.end()) continue;
    source->require_known_classes(k);
    values.values[k] = Tensor(column.dtype, values.columns[k].event);
  }
  for (std::int64_t i = 0; i < source->size(); ++i) {
    source->read(i, 0, views);
    const std::int64_t first = source->origin(i).position;
    for (std::size_t k = 0; k < views.size(); ++k) {
      if (values.values[k].view().empty()) continue;
      const TensorView whole = values.values[k].view();
      if (!values.follows[k]) {
        std::memcpy(whole.raw(), views[k].raw(), views[k].bytes());
        continue;
      }
      const std::int64_t positions = std::min(views[k].shape()[0], recording.rounded - first);
      std::memcpy(at(whole, first), views[k].raw(), static_cast<std::size_t>(at(whole, positions) - at(whole, 0)));
    }
  }
}

std::vector<Column> RecordingWindows::columns() const {
  std::vector<Column> columns = values_.columns;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (values_.follows[k]) columns[k].event[0] = plan_.window;
  }
  return columns;
}

void RecordingWindows::read(std::int64_t index, std::span<const TensorView> out) const {
  for (std::size_t k = 0; k < out.size(); ++k) {
    const TensorView whole = values_.values[k].view();
    if (whole.empty())
      std::memset(out[k].raw(), 0, out[k].bytes());
    else
      std::memcpy(out[k].raw(), values_.follows[k] ? at(whole, plan_.start(index)) : at(whole, 0), out[k].bytes());
  }
}

}  // namespace loom
