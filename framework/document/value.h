// A YAML text as a tree in which every key and value knows its place.
//
// Reading is strict: duplicate keys, merge keys (<<), several documents in a file and texts beyond the limits below are
// errors. Ownership: a Value is a value. Thread safety: as for any value.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loom/error.h"
#include "loom/options.h"

namespace loom {

struct Value;

struct Member;

struct Value {
  enum class Kind { null, scalar, sequence, map };
  Kind kind = Kind::null;
  std::string scalar;
  bool quoted = false;          // a quoted scalar is a text, whatever it looks like
  bool broken = false;          // it could not be evaluated; this is reported
  bool inherited = false;       // of a parent's entry whose `type` a child has changed: it may have lost its meaning
  std::vector<Value> items;     // of a sequence
  std::vector<Member> members;  // of a map, in the order of the text
  Location where;

  bool is_map() const { return kind == Kind::map; }
  bool is_null() const { return kind == Kind::null; }
  const Value* find(std::string_view key) const;  // null where there is none
  Value* find(std::string_view key);
  std::string kind_name() const;  // "a map"
};

struct Member {
  std::string key;
  Location where;
  Value value;
};

// Bounds on a document: beyond them it is an error, not a long wait.
inline constexpr int kMaxDepth = 64;
inline constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxValues = 200000;                       // after aliases are expanded
inline constexpr std::size_t kMaxAliasedBytes = std::size_t{16} << 20;  // of text, after aliases are expanded

// Parses `text`; diagnostics (E101, E102, E111-E114) go to `diagnostics`, and what could be read is returned.
Value parse_yaml(std::string_view text, const std::string& name, Diagnostics& diagnostics);

// Reads and parses a file; E109 where it cannot be read. `asked` is where the document names it.
Value parse_yaml_file(const std::string& path, const Location& asked, Diagnostics& diagnostics);

// A scalar's type follows YAML's core schema: true/false, integers, numbers, null; everything else is a text.
OptionValue scalar_value(const Value& value);

}  // namespace loom
