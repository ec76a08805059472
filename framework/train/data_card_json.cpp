#include "train/data_card_json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "document/option_json.h"
#include "io/json_fields.h"
#include "train/option_field.h"

namespace loom {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kCardFormat = 1;
constexpr std::int64_t kMostRate = 1 << 24;  // Hz

// JSON has no infinity.
Json bound(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

double bound_from(const JsonField& field, double otherwise) {
  return field.json().is_null() ? otherwise : field.number();
}

Json column_json(const ColumnCard& card) {
  const Column& column = card.column;
  Json json = {{"name", column.name},
               {"type", name_of(column.dtype)},
               {"shape", std::vector<std::int64_t>(column.event.extents().begin(), column.event.extents().end())},
               {"role", name_of(column.role)}};
  if (!column.unit.empty()) json["unit"] = column.unit;
  json["range"] = {bound(column.minimum), bound(column.maximum)};
  if (!column.classes.empty()) json["classes"] = column.classes;
  if (!column.features.empty()) json["features"] = column.features;
  if (!card.mean.empty()) json["mean"] = card.mean;
  if (!card.deviation.empty()) json["deviation"] = card.deviation;
  if (!card.fill.empty()) json["fill"] = card.fill;
  return json;
}

std::vector<std::string> texts(const JsonField& column, const std::string& key) {
  std::vector<std::string> texts;
  if (const auto field = column.find(key)) {
    for (const JsonField& item : field->items()) texts.push_back(item.text());
  }
  return texts;
}

std::vector<double> numbers(const JsonField& column, const std::string& key) {
  std::vector<double> numbers;
  if (const auto field = column.find(key)) {
    for (const JsonField& item : field->items()) numbers.push_back(item.number());
  }
  return numbers;
}

DType dtype_from(const JsonField& field) {
  for (const DType dtype : {DType::f32, DType::i32, DType::u8}) {
    if (field.text() == name_of(dtype)) return dtype;
  }
  field.fail("f32, i32 or u8");
}

ColumnRole role_from(const JsonField& field) {
  for (int role = 0; role <= static_cast<int>(ColumnRole::weight); ++role) {
    if (field.text() == name_of(static_cast<ColumnRole>(role))) return static_cast<ColumnRole>(role);
  }
  field.fail("data, label, condition, mask, factor or weight");
}

ColumnCard column_from(const JsonField& field) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  ColumnCard card;
  Column& column = card.column;
  column.name = field.at("name").text();
  column.dtype = dtype_from(field.at("type"));
  for (const JsonField& extent : field.at("shape").items())
    column.event.push_back(extent.integer(0, std::numeric_limits<std::int32_t>::max()));
  column.role = role_from(field.at("role"));
  if (const auto unit = field.find("unit")) column.unit = unit->text();
  const std::vector<JsonField> range = field.at("range").items();
  if (range.size() != 2) field.at("range").fail("two numbers");
  column.minimum = bound_from(range[0], -kInfinity);
  column.maximum = bound_from(range[1], kInfinity);
  column.classes = texts(field, "classes");
  column.features = texts(field, "features");
  card.mean = numbers(field, "mean");
  card.deviation = numbers(field, "deviation");
  card.fill = numbers(field, "fill");
  if (card.mean.size() != card.deviation.size()) field.fail("as many means as deviations");
  return card;
}

}  // namespace

std::string to_json(const DataCard& card) {
  Json options = Json::object(), columns = Json::array();
  for (const auto& [name, value] : card.options) options[name] = to_json(value);
  for (const ColumnCard& column : card.columns) columns.push_back(column_json(column));
  const Json json = {
      {"format", kCardFormat}, {"type", card.type}, {"options", options}, {"sample_rate", card.sample_rate},
      {"items", card.items},   {"hash", card.hash}, {"columns", columns}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

DataCard data_card_from_json(const std::string& text, const std::string& file) {
  const JsonSource source{file, "not the data card of a run"};
  const nlohmann::json json = parse_json(text, source);
  const JsonField field(json, source);
  field.at("format").integer(kCardFormat, kCardFormat);
  DataCard card;
  card.type = field.at("type").text();
  for (const auto& [name, value] : field.at("options").members()) card.options[name] = option_from(value);
  card.sample_rate = field.at("sample_rate").integer(0, kMostRate);
  for (const auto& [split, items] : field.at("items").members())
    card.items[split] = items.integer(0, std::numeric_limits<std::int64_t>::max());
  card.hash = field.at("hash").text();
  for (const JsonField& column : field.at("columns").items()) card.columns.push_back(column_from(column));
  return card;
}

}  // namespace loom
