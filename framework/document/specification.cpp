// The short forms of the command line: --set a.b=c and --data type:path,key=value.
#include <fmt/format.h>

#include "document/document.h"
#include "document/section.h"
#include "document/value.h"

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

constexpr std::string_view kDataKey = "data", kDataPath = "data.";

// Takes the text up to the next comma outside of quotes and brackets from the front of `rest`.
std::string_view take_part(std::string_view& rest) {
  bool quoted = false;
  int depth = 0;
  std::size_t end = 0;
  for (; end < rest.size() && (quoted || depth > 0 || rest[end] != ','); ++end) {
    const char c = rest[end];
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '[' || c == '{') ++depth;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  const std::string_view part = rest.substr(0, end);
  rest = end == rest.size() ? "" : rest.substr(end + 1);
  return part;
}

// A list or a map; {digit}_{speaker} is neither.
bool is_nested(std::string_view text) {
  return text.starts_with('[') || (text.starts_with('{') && text.find(':') != std::string_view::npos);
}

Value parsed(std::string_view yaml, const std::string& name) {
  Diagnostics diagnostics;
  Value value = parse_yaml(yaml.empty() ? "''" : yaml, name, diagnostics);
  diagnostics.throw_if_any();
  return value;
}

OptionValue option_of(const Value& value, const std::string& name) {
  Diagnostics diagnostics;
  OptionValue option = option_value(value, name, diagnostics);
  diagnostics.throw_if_any();
  return option;
}

void set_option(DataEntry& entry, const std::string& name, const Value& value) {
  if (value.is_null()) {
    entry.options.erase(name);
  } else if (name == "type") {
    entry.type = option_of(value, "type").text();
    entry.type_where = value.where;
  } else {
    entry.options[name] = {option_of(value, "data." + name), value.where};
  }
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
    const OptionValue option = !is_path && is_nested(text_of_value)
                                   ? option_of(parsed(text_of_value, "--data " + key), key)
                                   : scalar_value(value);
    if (!entry.options.emplace(key, OptionEntry{option, entry.where}).second)
      fail(fmt::format("'{}' is given twice", key));
  }
  return entry;
}

DataEntry take_data(std::string_view specification, std::vector<std::string>& overrides) {
  return take_data(parse_data_specification(specification), overrides);
}

DataEntry take_data(DataEntry entry, std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const Override one = parse_override(text);
    if (one.path.starts_with(kDataPath)) {
      set_option(entry, one.path.substr(kDataPath.size()), parsed(one.value, "--set " + one.path));
    } else if (one.path == kDataKey) {
      const Value value = parsed(one.value, "--set data");
      if (!value.is_map())
        throw Error(ErrorCode::bad_override, fmt::format("--set {}: the data are a map", text),
                    "as in data={size: 32}");
      for (const Member& member : value.members) set_option(entry, member.key, member.value);
    }
  }
  std::erase_if(overrides, [](const std::string& text) {
    const std::string path = parse_override(text).path;
    return path == kDataKey || path.starts_with(kDataPath);
  });
  return entry;
}

}  // namespace loom
