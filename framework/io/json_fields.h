// JSON that a file or another process brought. Nothing in it is believed: its length and nesting are bounded before it
// is parsed, and every field is read with its type and its range.
//
// Errors: the Error of a wrong field has the source's code, its file, the field ("data.options.size"), what was got and
// what was expected. Ownership: a JsonField refers to the parsed Json and to the JsonSource.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loom/error.h"

namespace loom {

inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxJsonBytes = std::size_t{16} << 20;

// Where a text comes from, and what it means that it is wrong.
struct JsonSource {
  std::string file;
  std::string what;  // "not the settings of a run"
  ErrorCode code = ErrorCode::checkpoint_corrupt;
};

// Whether lists and objects stand more than `levels` deep inside each other. Parsing what passes, and reading it by
// recursion, cannot exhaust the stack.
bool nested_deeper(std::string_view text, int levels);

// Parses a text; throws where it is no JSON, too long or nested too deeply.
nlohmann::json parse_json(std::string_view text, const JsonSource& source);

class JsonField {
 public:
  JsonField(const nlohmann::json& json, const JsonSource& source, std::string path = "")
      : json_(&json), source_(&source), path_(std::move(path)) {}

  const nlohmann::json& json() const { return *json_; }
  JsonField at(const std::string& key) const;  // throws where it is missing
  std::optional<JsonField> find(const std::string& key) const;
  std::vector<std::pair<std::string, JsonField>> members() const;  // of an object
  std::vector<JsonField> items() const;                            // of a list

  std::string text() const;
  std::int64_t integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                       std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  std::uint64_t natural() const;
  double number() const;

  [[noreturn]] void fail(const std::string& expected) const;

 private:
  const nlohmann::json* json_;
  const JsonSource* source_;
  std::string path_;
};

// The same for numbers that stand as texts in a safetensors file's metadata.
std::int64_t integer_of(const std::string& text, const std::string& field, std::int64_t least, std::int64_t most,
                        const JsonSource& source);
std::uint64_t natural_of(const std::string& text, const std::string& field, const JsonSource& source);
double number_of(const std::string& text, const std::string& field, const JsonSource& source);

// Throws the diagnostic that a field is wrong.
[[noreturn]] void wrong_field(const JsonSource& source, const std::string& field, std::string got,
                              std::string expected);

}  // namespace loom
