// The short forms of the command line: --set a.b=c and --data type:path,key=value.
#include <fmt/format.h>

#include "document/document.h"
#include "document/section.h"

namespace loom {

Override parse_override(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    Diagnostic finding;
    finding.code = ErrorCode::bad_override;
    finding.message = "--set needs a path and a value";
    finding.got = std::string(text);
    finding.expected = "path=value, as in train.batch=32";
    throw Error(std::move(finding));
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

std::vector<Override> parse_overrides(const std::vector<std::string>& texts) {
  std::vector<Override> overrides;
  for (const std::string& text : texts) overrides.push_back(parse_override(text));
  return overrides;
}

namespace {

// Takes the text up to the next comma outside of quotes from the front of `rest`.
std::string_view take_part(std::string_view& rest) {
  bool quoted = false;
  std::size_t end = 0;
  while (end < rest.size() && (quoted || rest[end] != ',')) quoted ^= rest[end++] == '"';
  const std::string_view part = rest.substr(0, end);
  rest = end == rest.size() ? "" : rest.substr(end + 1);
  return part;
}

bool in_quotes(std::string_view text) { return text.size() >= 2 && text.front() == '"' && text.back() == '"'; }

}  // namespace

DataEntry parse_data_specification(std::string_view text) {
  const auto fail = [&](std::string message) {
    Diagnostic finding;
    finding.code = ErrorCode::data_specification;
    finding.message = std::move(message);
    finding.got = std::string(text);
    finding.expected = "type:path,key=value,... as in idx:mnist,split=train or sprites:size=64";
    finding.hint = "a path with a comma or an equals sign stands in quotes: --data 'npy:\"a, b.npy\"'";
    throw Error(std::move(finding));
  };
  DataEntry entry;
  entry.where = entry.type_where = {"--data", 0, 0};
  const std::size_t colon = text.find(':');
  entry.type = std::string(text.substr(0, colon));
  if (entry.type.empty()) fail("--data needs the type of a data set");
  std::string_view rest = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  for (bool first = true; !rest.empty(); first = false) {
    const std::string_view part = take_part(rest);
    const std::size_t equals = part.starts_with('"') ? std::string_view::npos : part.find('=');
    if (equals == std::string_view::npos && !first) fail(fmt::format("'{}' is not key=value", part));
    const bool is_path = equals == std::string_view::npos;
    Value value;
    value.kind = Value::Kind::scalar;
    const std::string_view text_of_value = is_path ? part : part.substr(equals + 1);
    value.quoted = is_path || in_quotes(text_of_value);
    value.scalar =
        std::string(in_quotes(text_of_value) ? text_of_value.substr(1, text_of_value.size() - 2) : text_of_value);
    if (value.scalar.empty() || equals == 0) fail(fmt::format("'{}' is not key=value", part));
    const std::string key = is_path ? "path" : std::string(part.substr(0, equals));
    if (!entry.options.emplace(key, OptionEntry{scalar_value(value), entry.where}).second)
      fail(fmt::format("'{}' is given twice", key));
  }
  return entry;
}

}  // namespace loom
