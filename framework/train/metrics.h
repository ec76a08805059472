// The curves of a run in SQLite: one file (RUN/metrics.sqlite), in write-ahead mode, so that it can be read while a
// training writes and a kill leaves it whole.
//   metrics(step INTEGER, name TEXT, split TEXT, value REAL, PRIMARY KEY (step, name, split))
//   info(key TEXT PRIMARY KEY, value TEXT)
// step counts finished training steps. A value that is not finite is stored as NULL.
//
// Ownership: owns the connection; rows wait in memory until flush(), which runs by itself every `flush_rows` rows.
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

  // Rows of one curve in the order of steps, and the (name, split) pairs there are; both flush first.
  std::vector<MetricRow> read(const std::string& name, const std::string& split);
  std::vector<std::pair<std::string, std::string>> curves();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom
