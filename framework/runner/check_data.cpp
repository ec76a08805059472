#include "runner/check_data.h"

#include <fmt/format.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "data/batches.h"
#include "data/validation_split.h"
#include "document/document.h"
#include "runner/console.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kBatch = 64;
constexpr std::size_t kNamed = 8;  // classes or features that are printed

// What the values of a column are.
struct Values {
  double minimum = std::numeric_limits<double>::infinity(), maximum = -minimum, sum = 0;
  std::int64_t count = 0;

  void add(const TensorView& view) {
    const auto take = [&](auto values) {
      for (const auto value : values) {
        const auto number = static_cast<double>(value);
        minimum = std::min(minimum, number);
        maximum = std::max(maximum, number);
        sum += number;
        ++count;
      }
    };
    if (view.dtype() == DType::i32)
      take(view.values<std::int32_t>());
    else
      take(view.values());
  }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

struct Contents {
  std::vector<Values> values;  // of each column
  std::int64_t items = 0;
  double seconds = 0;
};

// Reads every item by itself, and throws one Error with what is wrong with each.
void report_bad_items(const DataSource& source) {
  constexpr std::size_t kReported = 20;
  std::vector<Tensor> item;
  for (const Column& column : source.columns()) item.emplace_back(column.dtype, column.event);
  const std::vector<TensorView> views(item.begin(), item.end());
  std::vector<Diagnostic> findings;
  std::size_t bad = 0;
  for (std::int64_t index = 0; index < source.size(); ++index) {
    try {
      source.read(index, 0, views);
    } catch (const Error& error) {
      if (++bad <= kReported) findings.push_back(error.diagnostics().front());
    }
  }
  if (bad == 0) return;
  if (bad > kReported) findings.back().hint = fmt::format("{} more items cannot be read", bad - kReported);
  throw Error(std::move(findings));
}

Contents read_all(const std::shared_ptr<const DataSource>& source) {
  Contents contents;
  std::vector<ColumnRequest> requests;
  for (const Column& column : source->columns()) requests.push_back({column.name, column.dtype, column.event, {}, {}});
  contents.values.resize(requests.size());
  Batches batches(source, std::move(requests), std::min(kBatch, source->size()), 1, false);
  const auto start = std::chrono::steady_clock::now();
  try {
    for (Batches::View batch = batches.next(); batch.samples > 0; batch = batches.next()) {
      for (std::size_t c = 0; c < batch.columns.size(); ++c)
        contents.values[c].add(batch.columns[c].rows(0, batch.samples));
      contents.items += batch.samples;
    }
  } catch (const Error&) {
    report_bad_items(*source);
    throw;
  }
  contents.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return contents;
}

std::string names_text(const std::vector<std::string>& names) {
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(std::min(kNamed, names.size())));
  return joined(first) + (names.size() > kNamed ? fmt::format(", ... ({})", names.size()) : "");
}

void print_column(const Column& column, const Values& values) {
  print("  {:<12} {} {:<14} {:<9} {:.6g} to {:.6g}, mean {:.6g}{}\n", column.name, name_of(column.dtype),
        column.event.text(), name_of(column.role), values.minimum, values.maximum, values.mean(),
        column.unit.empty() ? "" : " " + column.unit);
  if (!column.classes.empty()) print("  {:<12} classes {}\n", "", names_text(column.classes));
  if (!column.features.empty()) print("  {:<12} features {}\n", "", names_text(column.features));
}

Json column_json(const Column& column, const Values& values) {
  Json json = {{"name", column.name},
               {"type", name_of(column.dtype)},
               {"shape", column.event.text()},
               {"role", name_of(column.role)},
               {"minimum", json_number(values.minimum)},
               {"maximum", json_number(values.maximum)},
               {"mean", json_number(values.mean())}};
  if (!column.unit.empty()) json["unit"] = column.unit;
  if (!column.classes.empty()) json["classes"] = column.classes;
  if (!column.features.empty()) json["features"] = column.features;
  return json;
}

}  // namespace

bool is_data(const std::string& subject) {
  return subject.find(':') != std::string::npos && subject.find('/') > subject.find(':');
}

namespace {

// All items; where no split has all of them, each that has files of its own.
std::vector<std::string> splits_of(const Registry& registry, const DataEntry& entry) {
  const auto split = entry.options.find("split");
  if (split != entry.options.end()) return {split->second.value.text()};
  std::vector<std::string> splits = {registry.dataset(entry.type) ? "all" : ""};
  const auto names_files = [&](const char* option) {
    const auto it = entry.options.find(option);
    return it != entry.options.end() && std::holds_alternative<std::string>(it->second.value) &&
           !it->second.value.text().empty();
  };
  if (names_files("test")) splits = {"train", "test"};
  if (names_files(kValidation)) splits.emplace_back(kValidation);
  return splits;
}

Json read_json(const DataSource& source, const Contents& contents, double rate) {
  Json columns = Json::array();
  for (std::size_t c = 0; c < contents.values.size(); ++c)
    columns.push_back(column_json(source.columns()[c], contents.values[c]));
  return {{"split", source.split()},      {"items", contents.items}, {"seconds", contents.seconds},
          {"items_per_s", rate},          {"hash", source.hash()},   {"notices", source.notices()},
          {"columns", std::move(columns)}};
}

void print_read(const DataSource& source, const Contents& contents, double rate) {
  print("{}: {} items{}\n", source.name(), grouped(contents.items),
        source.split().empty() ? "" : fmt::format(", split {}", source.split()));
  for (std::size_t c = 0; c < contents.values.size(); ++c) print_column(source.columns()[c], contents.values[c]);
  for (const std::string& notice : source.notices()) print("  {}\n", notice);
  print("every item was read, in {} ({:.0f} items/s)\n", readable_time(contents.seconds), rate);
}

}  // namespace

int check_data(const Registry& registry, const std::string& specification, int threads, bool json) {
  const DataEntry entry = parse_data_specification(specification);
  const auto available = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int used = threads > 0 ? std::min(threads, available) : available;
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(used));
  Json splits = Json::array();
  for (const std::string& split : splits_of(registry, entry)) {
    const auto source = open_split(registry, entry, split);
    const Contents contents = read_all(source);
    const double rate = static_cast<double>(contents.items) / std::max(contents.seconds, 1e-9);
    if (json)
      splits.push_back(read_json(*source, contents, rate));
    else
      print_read(*source, contents, rate);
  }
  if (!json) return kOk;
  Json out = {{"data", specification}};
  if (splits.size() == 1)
    out.update(splits.front());
  else
    out["splits"] = std::move(splits);
  print_json(out);
  return kOk;
}

}  // namespace loom::runner
