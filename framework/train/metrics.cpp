#include "train/metrics.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>
#include <map>

#include "loom/error.h"

namespace loom {
namespace {

constexpr int kBusyMilliseconds = 10'000;  // how long to wait for a reader's lock

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};

}  // namespace

class Metrics::Impl {
 public:
  Impl(const std::string& file, std::size_t flush_rows, bool read_only)
      : file_(file), flush_rows_(flush_rows), read_only_(read_only) {
    sqlite3* database = nullptr;
    const int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int result = sqlite3_open_v2(file.c_str(), &database, flags, nullptr);
    database_.reset(database);
    if (result != SQLITE_OK) fail("open");
    sqlite3_busy_timeout(database, kBusyMilliseconds);
    if (read_only) return;
    // A file system without shared memory keeps the default journal: this is also safe, but readers wait for writers.
    sqlite3_exec(database, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
    execute("PRAGMA synchronous=NORMAL");
    execute(
        "CREATE TABLE IF NOT EXISTS metrics(step INTEGER NOT NULL, name TEXT NOT NULL, split TEXT NOT NULL, value "
        "REAL, "
        "PRIMARY KEY (step, name, split)) WITHOUT ROWID");
    execute("CREATE TABLE IF NOT EXISTS info(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
    execute(
        "CREATE TABLE IF NOT EXISTS history(number INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, "
        "kind TEXT NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL)");
    execute("CREATE TABLE IF NOT EXISTS clock(step INTEGER PRIMARY KEY, seconds REAL NOT NULL)");
    insert_ = prepare("INSERT OR REPLACE INTO metrics(step, name, split, value) VALUES (?1, ?2, ?3, ?4)");
    rows_.reserve(flush_rows_);
  }

  int curve(const std::string& name, const std::string& split) {
    const auto [it, fresh] = handles_.emplace(std::pair(name, split), static_cast<int>(curves_.size()));
    if (fresh) curves_.push_back(it->first);
    return it->second;
  }

  void add(std::int64_t step, int curve, double value) {
    rows_.push_back({step, curve, value});
    if (rows_.size() >= flush_rows_) flush();
  }

  void add_time(std::int64_t step, double seconds) { times_.push_back({step, seconds}); }

  void flush() {
    if (rows_.empty() && times_.empty()) return;
    execute("BEGIN IMMEDIATE");
    try {
      for (const Row& row : rows_) insert(row);
      for (const MetricRow& time : times_) insert_time(time);
      execute("COMMIT");
    } catch (...) {
      sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
    rows_.clear();
    times_.clear();
  }

  void remove_after(std::int64_t step) {
    std::erase_if(rows_, [step](const Row& row) { return row.step > step; });
    std::erase_if(times_, [step](const MetricRow& time) { return time.step > step; });
    for (const char* sql : {"DELETE FROM metrics WHERE step > ?1", "DELETE FROM clock WHERE step > ?1"}) {
      const Statement statement = prepare(sql);
      sqlite3_bind_int64(statement.get(), 1, step);
      run(statement.get());
    }
  }

  void set_info(const std::string& key, const std::string& value) {
    const Statement statement = prepare("INSERT OR REPLACE INTO info(key, value) VALUES (?1, ?2)");
    bind(statement.get(), 1, key);
    bind(statement.get(), 2, value);
    run(statement.get());
  }

  std::optional<std::string> info(const std::string& key) {
    const Statement statement = prepare("SELECT value FROM info WHERE key = ?1");
    bind(statement.get(), 1, key);
    if (!next(statement.get())) return std::nullopt;
    return text(statement.get(), 0);
  }

  void add_event(const HistoryEvent& event) {
    flush();
    const Statement statement = prepare(
        "INSERT INTO history(step, time, kind, who, what) VALUES (?1, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?2, ?3, "
        "?4)");
    sqlite3_bind_int64(statement.get(), 1, event.step);
    bind(statement.get(), 2, event.kind);
    bind(statement.get(), 3, event.who);
    bind(statement.get(), 4, event.what);
    run(statement.get());
  }

  std::vector<HistoryEvent> history() {
    std::vector<HistoryEvent> events;
    if (read_only_ && !has_table("history")) return events;  // a file of an older version
    const Statement statement = prepare("SELECT step, kind, who, what, time FROM history ORDER BY number");
    while (next(statement.get())) {
      events.push_back({sqlite3_column_int64(statement.get(), 0), text(statement.get(), 1), text(statement.get(), 2),
                        text(statement.get(), 3), text(statement.get(), 4)});
    }
    return events;
  }

  std::vector<MetricRow> read(const std::string& name, const std::string& split) {
    flush();
    const Statement statement = prepare("SELECT step, value FROM metrics WHERE name = ?1 AND split = ?2 ORDER BY step");
    bind(statement.get(), 1, name);
    bind(statement.get(), 2, split);
    std::vector<MetricRow> rows;
    while (next(statement.get())) {
      const bool finite = sqlite3_column_type(statement.get(), 1) != SQLITE_NULL;
      rows.push_back({sqlite3_column_int64(statement.get(), 0),
                      finite ? sqlite3_column_double(statement.get(), 1) : std::numeric_limits<double>::quiet_NaN()});
    }
    return rows;
  }

  std::vector<MetricRow> clock() {
    flush();
    std::vector<MetricRow> rows;
    if (read_only_ && !has_table("clock")) return rows;
    const Statement statement = prepare("SELECT step, seconds FROM clock ORDER BY step");
    while (next(statement.get()))
      rows.push_back({sqlite3_column_int64(statement.get(), 0), sqlite3_column_double(statement.get(), 1)});
    return rows;
  }

  std::vector<std::pair<std::string, std::string>> curves() {
    flush();
    const Statement statement = prepare("SELECT DISTINCT name, split FROM metrics ORDER BY name, split");
    std::vector<std::pair<std::string, std::string>> found;
    while (next(statement.get())) found.emplace_back(text(statement.get(), 0), text(statement.get(), 1));
    return found;
  }

 private:
  struct Row {
    std::int64_t step;
    int curve;
    double value;
  };

  bool has_table(const std::string& name) {
    const Statement statement = prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1");
    bind(statement.get(), 1, name);
    return next(statement.get());
  }

  void insert_time(const MetricRow& time) {
    const Statement statement = prepare("INSERT OR REPLACE INTO clock(step, seconds) VALUES (?1, ?2)");
    sqlite3_bind_int64(statement.get(), 1, time.step);
    sqlite3_bind_double(statement.get(), 2, time.value);
    run(statement.get());
  }

  [[noreturn]] void fail(std::string_view what) const {
    Diagnostic finding;
    finding.code = read_only_ ? ErrorCode::read_failed : ErrorCode::write_failed;
    finding.where = {file_, 0, 0};
    finding.message = fmt::format("cannot {} the metrics: {}", what, sqlite3_errmsg(database_.get()));
    throw Error(std::move(finding));
  }

  void execute(const char* sql) {
    if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("write");
  }

  Statement prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr) != SQLITE_OK) fail("use");
    return Statement(statement);
  }

  void bind(sqlite3_stmt* statement, int index, const std::string& value) {
    sqlite3_bind_text(statement, index, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
  }

  bool next(sqlite3_stmt* statement) {
    const int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE) fail("use");
    return result == SQLITE_ROW;
  }

  void run(sqlite3_stmt* statement) {
    while (next(statement)) {
    }
  }

  std::string text(sqlite3_stmt* statement, int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
    return bytes == nullptr ? ""
                            : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement, column)));
  }

  void insert(const Row& row) {
    const auto& [name, split] = curves_[static_cast<std::size_t>(row.curve)];
    sqlite3_bind_int64(insert_.get(), 1, row.step);
    sqlite3_bind_text(insert_.get(), 2, name.data(), static_cast<int>(name.size()), SQLITE_STATIC);
    sqlite3_bind_text(insert_.get(), 3, split.data(), static_cast<int>(split.size()), SQLITE_STATIC);
    if (std::isfinite(row.value))
      sqlite3_bind_double(insert_.get(), 4, row.value);
    else
      sqlite3_bind_null(insert_.get(), 4);
    const int result = sqlite3_step(insert_.get());
    sqlite3_reset(insert_.get());
    if (result != SQLITE_DONE) fail("write");
  }

  std::string file_;
  std::size_t flush_rows_;
  bool read_only_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  Statement insert_;  // destroyed before its database
  std::vector<Row> rows_;
  std::vector<MetricRow> times_;
  std::map<std::pair<std::string, std::string>, int> handles_;
  std::vector<std::pair<std::string, std::string>> curves_;
};

Metrics::Metrics(const std::string& file, std::size_t flush_rows, bool read_only)
    : impl_(std::make_unique<Impl>(file, flush_rows, read_only)) {}

Metrics::~Metrics() {
  try {
    impl_->flush();
  } catch (const std::exception& problem) {
    spdlog::warn("{}", problem.what());
  }
}

int Metrics::curve(const std::string& name, const std::string& split) { return impl_->curve(name, split); }
void Metrics::add(std::int64_t step, int curve, double value) { impl_->add(step, curve, value); }
void Metrics::flush() { impl_->flush(); }
void Metrics::remove_after(std::int64_t step) { impl_->remove_after(step); }
void Metrics::set_info(const std::string& key, const std::string& value) { impl_->set_info(key, value); }
void Metrics::add_time(std::int64_t step, double seconds) { impl_->add_time(step, seconds); }
std::vector<MetricRow> Metrics::clock() { return impl_->clock(); }
std::optional<std::string> Metrics::info(const std::string& key) { return impl_->info(key); }
void Metrics::add_event(const HistoryEvent& event) { impl_->add_event(event); }
std::vector<HistoryEvent> Metrics::history() { return impl_->history(); }
std::vector<MetricRow> Metrics::read(const std::string& name, const std::string& split) {
  return impl_->read(name, split);
}
std::vector<std::pair<std::string, std::string>> Metrics::curves() { return impl_->curves(); }

}  // namespace loom
