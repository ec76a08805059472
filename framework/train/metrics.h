// The curves of a run in SQLite: one file (RUN/metrics.sqlite) in write-ahead mode, so that it can be read while a
// training job writes, and stays valid if the job is killed.
//   metrics(step INTEGER, name TEXT, split TEXT, value REAL, PRIMARY KEY (step, name, split))
//   info(key TEXT PRIMARY KEY, value TEXT)
//   history(number INTEGER PRIMARY KEY, step INTEGER, time TEXT, kind TEXT, who TEXT, what TEXT)
//   clock(step INTEGER PRIMARY KEY, seconds REAL): seconds of training up to a step, some of the steps
// step counts finished training steps. A value that is not finite is stored as NULL.
//
// Ownership: owns the connection; rows are buffered in memory until flush(), which is called every `flush_rows` rows.
// Thread safety: one thread per object; any number of readers elsewhere. Errors: write_failed, read_failed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace loom {

struct MetricRow {
  std::int64_t step;
  double value;  // NaN where it was not finite
};

// Something that happened to a run beside its steps: a change while it trained, one that was refused, its resumption.
struct HistoryEvent {
  std::int64_t step = 0;  // finished steps
  std::string kind;       // "swapped", "refused", "resumed"
  std::string who;        // the file or the command it came from
  std::string what;
  std::string time = {};  // UTC, ISO 8601; set when it is added
};

class Metrics {
 public:
  // Opens or creates. `read_only`: the file must exist, and nothing is written.
  explicit Metrics(const std::string& file, std::size_t flush_rows = 1000, bool read_only = false);
  ~Metrics();  // flushes; a failure there is only logged
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The handle of a curve; adding by handle allocates nothing in a warmed-up step.
  int curve(const std::string& name, const std::string& split);
  void add(std::int64_t step, int curve, double value);
  void add(std::int64_t step, const std::string& name, const std::string& split, double value) {
    add(step, curve(name, split), value);
  }
  void flush();
  // Removes what lies after `step`: a resumed run writes it again.
  void remove_after(std::int64_t step);

  void set_info(const std::string& key, const std::string& value);
  std::optional<std::string> info(const std::string& key);

  // Written at once, in the order in which they came.
  void add_event(const HistoryEvent& event);
  std::vector<HistoryEvent> history();

  // Seconds that training took up to a step, without the time between two processes; buffered like the rows.
  void add_time(std::int64_t step, double seconds);
  std::vector<MetricRow> clock();  // in the order of steps; empty in a file of an older version

  // Rows of one curve in the order of steps, and the (name, split) pairs there are; both flush first.
  std::vector<MetricRow> read(const std::string& name, const std::string& split);
  std::vector<std::pair<std::string, std::string>> curves();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom
