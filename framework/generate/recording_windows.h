// A recording cut into overlapping windows of one length, for graphs that see only so far (graph/receptive_field.h): what is
// kept of each window, joined, is what the graph gives for the whole recording.
//
// The first window begins at 0 and the last one ends where the whole does, so padding is met only at the true ends. All
// positions are aligned for every node on the way, and windows are of a length that the run could also open whole recordings
// at: the whole less a multiple of the trained piece.
//
// Memory: a window is at most window_core() + the context on both sides + the least common multiple of a trained piece and
// the alignment.
//
// Ownership: RecordingWindows holds the values of the recording that a graph reads, 4 bytes for each sample and channel, and
// shares nothing. Thread safety: constant once made. Errors: those of the data.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "generate/whole_recordings.h"
#include "graph/receptive_field.h"
#include "loom/dataset.h"

namespace loom {

// All in input positions. By default one window: the whole.
struct WindowPlan {
  std::int64_t whole = 0, window = 0;  // lengths
  std::int64_t hop = 0;                // from one window to the next; the last one is the window that ends at the end
  std::int64_t before = 0;             // context, aligned
  std::int64_t count = 1;

  std::int64_t start(std::int64_t i) const { return i + 1 < count ? i * hop : whole - window; }
  // Where the part of window i begins that is kept; it ends where the next one's begins. That of `count` is the end.
  std::int64_t kept(std::int64_t i) const { return i == 0 ? 0 : i < count ? start(i) + before : whole; }
};

// The positions of a window that are kept, about, at most: eight trained pieces, 16,384, or four times the context, so that
// no more than about a third of the work is done twice.
std::int64_t window_core(std::int64_t piece, std::int64_t context);

// For a whole of `whole` positions, of which a run trained on pieces of `piece`. One window where that is not longer than
// `core` and its context. All `fields` are local. core 0: window_core().
WindowPlan plan_windows(const std::vector<ReceptiveField>& fields, std::int64_t whole, std::int64_t piece,
                        std::int64_t core = 0);

// The values of a recording, by column: those that follow its positions as one sequence of the rounded length.
struct RecordingValues {
  std::vector<Column> columns;
  std::vector<Tensor> values;  // none of a column that is not read
  std::string name;            // of the data, for errors
  std::int64_t rate = 0;       // Hz
  std::vector<bool> follows;   // per column: whether its first axis is the recording's
};
// Without values.
RecordingValues describe_recording(const ModelSource& model, const Recording& recording);
// Reads the columns `read`, in parts, so that a long recording takes little more memory than its values.
void read_recording(const ModelSource& model, const Recording& recording, const std::vector<std::string>& read,
                    RecordingValues& values);

// The windows of a recording as the items of a data set. A column that was not read is zeros. `values` must outlive it.
class RecordingWindows final : public Dataset {
 public:
  RecordingWindows(const RecordingValues& values, const WindowPlan& plan) : values_(values), plan_(plan) {}

  std::int64_t size() const override { return plan_.count; }
  std::vector<Column> columns() const override;
  void read(std::int64_t index, std::span<const TensorView> out) const override;
  std::int64_t sample_rate() const override { return values_.rate; }
  std::string hash() const override { return ""; }

 private:
  const RecordingValues& values_;
  WindowPlan plan_;
};

}  // namespace loom
