#include "runner/check_data.h"

#include <fmt/format.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "data/batches.h"
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

Contents read_all(const std::shared_ptr<const DataSource>& source) {
  Contents contents;
  std::vector<ColumnRequest> requests;
  for (const Column& column : source->columns()) requests.push_back({column.name, column.dtype, column.event, {}, {}});
  contents.values.resize(requests.size());
  Batches batches(source, std::move(requests), std::min(kBatch, source->size()), 1, false);
  const auto start = std::chrono::steady_clock::now();
  for (Batches::View batch = batches.next(); batch.samples > 0; batch = batches.next()) {
    for (std::size_t c = 0; c < batch.columns.size(); ++c)
      contents.values[c].add(batch.columns[c].rows(0, batch.samples));
    contents.items += batch.samples;
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

int check_data(const Registry& registry, const std::string& specification, int threads, bool json) {
  DataEntry entry = parse_data_specification(specification);
  const bool split_given = entry.options.contains("split");
  const auto available = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int used = threads > 0 ? std::min(threads, available) : available;
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(used));
  const auto source = split_given ? std::make_shared<const DataSource>(registry, entry)
                                  : open_split(registry, entry, registry.dataset(entry.type) ? "all" : "");
  const Contents contents = read_all(source);
  const double rate = static_cast<double>(contents.items) / std::max(contents.seconds, 1e-9);
  if (json) {
    Json columns = Json::array();
    for (std::size_t c = 0; c < contents.values.size(); ++c)
      columns.push_back(column_json(source->columns()[c], contents.values[c]));
    print_json({{"data", specification},
                {"split", source->split()},
                {"items", contents.items},
                {"seconds", contents.seconds},
                {"items_per_s", rate},
                {"hash", source->hash()},
                {"notices", source->notices()},
                {"columns", columns}});
    return kOk;
  }
  print("{}: {} items{}\n", source->name(), grouped(contents.items),
        source->split().empty() ? "" : fmt::format(", split {}", source->split()));
  for (std::size_t c = 0; c < contents.values.size(); ++c) print_column(source->columns()[c], contents.values[c]);
  for (const std::string& notice : source->notices()) print("  {}\n", notice);
  print("every item was read, in {} ({:.0f} items/s)\n", readable_time(contents.seconds), rate);
  return kOk;
}

}  // namespace loom::runner
