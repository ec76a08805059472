// The checks of a data set: it opens, its items match the declaration, and two reads of an item are equal.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "check/example_options.h"
#include "loom/check.h"
#include "loom/dataset.h"
#include "loom/error.h"
#include "loom/math.h"

namespace loom::check {
namespace {

using Result = CheckRow::Result;

constexpr std::uint8_t kUnwritten = 0xFF;
constexpr std::int64_t kItems = 16;

struct Item {
  std::vector<Tensor> values;
  std::vector<TensorView> views;
};

Item item_of(const std::vector<Column>& columns) {
  Item item;
  for (const Column& column : columns) {
    Tensor tensor(column.dtype, column.event);
    std::memset(tensor.view().raw(), kUnwritten, tensor.view().bytes());
    item.views.push_back(tensor.view());
    item.values.push_back(std::move(tensor));
  }
  return item;
}

Item read_item(const Dataset& data, const std::vector<Column>& columns, std::int64_t index) {
  Item item = item_of(columns);
  data.read(index, item.views);
  return item;
}

bool same(const Item& a, const Item& b) {
  for (std::size_t c = 0; c < a.values.size(); ++c) {
    if (std::memcmp(a.views[c].raw(), b.views[c].raw(), a.views[c].bytes()) != 0) return false;
  }
  return true;
}

// The first item, the last item and some in between.
std::vector<std::int64_t> some_of(std::int64_t size) {
  std::vector<std::int64_t> indices;
  const std::int64_t count = std::min(size, kItems);
  for (std::int64_t i = 0; i < count; ++i) indices.push_back(count == 1 ? 0 : i * (size - 1) / (count - 1));
  return indices;
}

class DatasetCheck {
 public:
  DatasetCheck(const DatasetType& type, const Dataset& data, CheckTable& table)
      : type_(type), data_(data), table_(table), columns_(data.columns()) {}

  void run() {
    const std::int64_t size = data_.size();
    add("items", size > 0, fmt::format("{}", size), static_cast<double>(size));
    check_columns();
    if (size <= 0) return;
    const std::vector<std::int64_t> indices = some_of(size);
    std::vector<Item> first;
    for (const std::int64_t index : indices) first.push_back(read_item(data_, columns_, index));
    check_finite(first, indices);
    check_repeat(first, indices);
    check_threads(first, indices);
    const std::string hash = data_.hash();
    add("hash", !hash.empty() && hash == data_.hash(), hash.empty() ? "it has none" : hash);
  }

 private:
  void add(const char* check, bool good, std::string finding, double figure = std::nan("")) {
    table_.add({check, good ? Result::passed : Result::failed, std::move(finding), figure});
  }

  // Every column must be declared, with its type; an option may leave columns out.
  void check_columns() {
    std::string text, problem;
    for (const Column& column : columns_) {
      text +=
          fmt::format("{}{} {} {}", text.empty() ? "" : ", ", column.name, name_of(column.dtype), column.event.text());
      const int index = type_.contract.output_index(column.name);
      if (index < 0) {
        problem = fmt::format("the column '{}' is not declared", column.name);
        continue;
      }
      const PortDeclaration& port = type_.contract.outputs()[static_cast<std::size_t>(index)];
      if (port.type != column.dtype && port.type_option.empty())
        problem = fmt::format("the column '{}' is {}, but {} is declared", column.name, name_of(column.dtype),
                              name_of(port.type));
    }
    if (columns_.empty()) problem = "it has none";
    add("columns", problem.empty(), problem.empty() ? text : problem);
  }

  void check_finite(const std::vector<Item>& items, const std::vector<std::int64_t>& indices) {
    for (std::size_t k = 0; k < items.size(); ++k) {
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        const TensorView& values = items[k].views[c];
        if (columns_[c].dtype != DType::f32 || math::all_finite(values.data(), values.count())) continue;
        return add("finite", false,
                   fmt::format("column '{}' of item {} contains NaN or infinity, or is not written completely",
                               columns_[c].name, indices[k]));
      }
    }
    add("finite", true, fmt::format("{} items", items.size()));
  }

  void check_repeat(const std::vector<Item>& items, const std::vector<std::int64_t>& indices) {
    for (std::size_t k = items.size(); k-- > 0;) {  // in a different order: an item depends only on its index
      if (!same(items[k], read_item(data_, columns_, indices[k])))
        return add("repeat", false, fmt::format("item {} differs when it is read again", indices[k]));
    }
    add("repeat", true, "an item is the same in both reads");
  }

  void check_threads(const std::vector<Item>& items, const std::vector<std::int64_t>& indices) {
    constexpr std::size_t kThreads = 8;
    std::vector<std::string> problems(kThreads);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        try {
          for (std::size_t k = 0; k < items.size(); ++k) {
            const std::size_t at = (k + t) % items.size();
            if (!same(items[at], read_item(data_, columns_, indices[at])))
              problems[t] = fmt::format("item {} differs while {} threads read", indices[at], kThreads);
          }
        } catch (const std::exception& error) {
          problems[t] = error.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    const auto found = std::ranges::find_if(problems, [](const std::string& text) { return !text.empty(); });
    add("threads", found == problems.end(),
        found == problems.end() ? fmt::format("{} threads read the same items", kThreads) : *found);
  }

  const DatasetType& type_;
  const Dataset& data_;
  CheckTable& table_;
  std::vector<Column> columns_;
};

}  // namespace

CheckTable check_type(const std::shared_ptr<const DatasetType>& type, const TypeCheck& settings) {
  CheckTable table;
  table.type = type->name;
  table.kind = "data set";
  table.library = type->library;
  const std::optional<Options> options = example_options(type->contract, settings, table);
  if (!options) return table;
  try {
    const std::unique_ptr<Dataset> data = type->create(*options);
    table.add({"open", Result::passed, "it opens"});
    DatasetCheck(*type, *data, table).run();
  } catch (const std::exception& error) {
    table.add({"open", Result::failed, fmt::format("it throws: {}", error.what())});
  }
  return table;
}

}  // namespace loom::check
