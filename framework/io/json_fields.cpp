#include "io/json_fields.h"

#include <fmt/format.h>

#include <charconv>

namespace loom {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestShown = 100;  // bytes of a wrong value

std::string range_text(std::int64_t least, std::int64_t most) {
  const bool below = most < std::numeric_limits<std::int64_t>::max();
  const bool above = least > std::numeric_limits<std::int64_t>::min();
  if (below && above) return fmt::format("an integer from {} to {}", least, most);
  if (above) return fmt::format("an integer >= {}", least);
  return below ? fmt::format("an integer <= {}", most) : "an integer";
}

template <class T>
T converted(const std::string& text, const std::string& field, const JsonSource& source, const std::string& expected) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size())
    wrong_field(source, field, "'" + text + "'", expected);
  return value;
}

}  // namespace

void wrong_field(const JsonSource& source, const std::string& field, std::string got, std::string expected) {
  Diagnostic finding{};
  finding.code = source.code;
  finding.where = {source.file, 0, 0};
  finding.message = field.empty() ? source.what : fmt::format("{}: the field '{}' is wrong", source.what, field);
  finding.got = clipped(got, kLongestShown);
  finding.expected = std::move(expected);
  throw Error(std::move(finding));
}

bool nested_deeper(std::string_view text, int levels) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > levels) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Json parse_json(std::string_view text, const JsonSource& source) {
  if (text.size() > kMaxJsonBytes)
    wrong_field(source, "", fmt::format("{} bytes", text.size()), fmt::format("at most {} bytes", kMaxJsonBytes));
  if (nested_deeper(text, kMaxJsonDepth))
    wrong_field(source, "", "nested lists and objects", fmt::format("at most {} levels", kMaxJsonDepth));
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& problem) {
    wrong_field(source, "", problem.what(), "JSON");
  } catch (const Json::exception& problem) {  // a number outside every range
    wrong_field(source, "", problem.what(), "JSON with finite numbers");
  }
}

JsonField JsonField::at(const std::string& key) const {
  if (!json_->is_object()) fail("an object");
  if (const auto field = find(key)) return *field;
  wrong_field(*source_, path_.empty() ? key : path_ + "." + key, "nothing", "a value");
}

std::optional<JsonField> JsonField::find(const std::string& key) const {
  const auto it = json_->find(key);
  if (it == json_->end()) return std::nullopt;
  return JsonField(*it, *source_, path_.empty() ? key : path_ + "." + key);
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
  if (!json_->is_object()) fail("an object");
  std::vector<std::pair<std::string, JsonField>> members;
  for (const auto& [key, value] : json_->items())
    members.emplace_back(key, JsonField(value, *source_, path_.empty() ? key : path_ + "." + key));
  return members;
}

std::vector<JsonField> JsonField::items() const {
  if (!json_->is_array()) fail("a list");
  std::vector<JsonField> items;
  for (std::size_t i = 0; i < json_->size(); ++i)
    items.emplace_back((*json_)[i], *source_, fmt::format("{}[{}]", path_, i));
  return items;
}

std::string JsonField::text() const {
  if (!json_->is_string()) fail("a text");
  return json_->get<std::string>();
}

std::int64_t JsonField::integer(std::int64_t least, std::int64_t most) const {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool fits =
      json_->is_number_integer() && (!json_->is_number_unsigned() || json_->get<std::uint64_t>() <= kMost);
  if (!fits || json_->get<std::int64_t>() < least || json_->get<std::int64_t>() > most) fail(range_text(least, most));
  return json_->get<std::int64_t>();
}

std::uint64_t JsonField::natural() const {
  if (!json_->is_number_unsigned()) fail("an integer from 0 to 18446744073709551615");
  return json_->get<std::uint64_t>();
}

double JsonField::number() const {
  if (!json_->is_number()) fail("a number");
  return json_->get<double>();
}

void JsonField::fail(const std::string& expected) const {
  wrong_field(*source_, path_, json_->dump(-1, ' ', false, Json::error_handler_t::replace), expected);
}

std::int64_t integer_of(const std::string& text, const std::string& field, std::int64_t least, std::int64_t most,
                        const JsonSource& source) {
  const auto value = converted<std::int64_t>(text, field, source, range_text(least, most));
  if (value < least || value > most) wrong_field(source, field, text, range_text(least, most));
  return value;
}

std::uint64_t natural_of(const std::string& text, const std::string& field, const JsonSource& source) {
  return converted<std::uint64_t>(text, field, source, "an integer from 0 to 18446744073709551615");
}

double number_of(const std::string& text, const std::string& field, const JsonSource& source) {
  return converted<double>(text, field, source, "a number");
}

}  // namespace loom
