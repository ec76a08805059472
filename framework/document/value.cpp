#include "document/value.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "document/shipped_graphs.h"

namespace loom {
namespace {

struct Stop {};  // a limit is reached: the rest is not read

class Builder final : public YAML::EventHandler {
 public:
  Builder(const std::string& name, Diagnostics& diagnostics) : name_(name), diagnostics_(diagnostics) {}

  Value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(mark, anchor, Value::Kind::null, "", false);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    refuse_tag(mark, tag);
    leaf(mark, anchor, Value::Kind::scalar, text, tag == "!");
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) {
      diagnostics_.add(ErrorCode::yaml_syntax, place(mark), "this alias is inside its own anchor").expected =
          "an anchor that ends before it";
      return;
    }
    count(mark, it->second.count);
    count_bytes(mark, it->second.bytes, true);
    if (static_cast<int>(stack_.size()) + it->second.depth > kMaxDepth) too_deep(mark);
    add(Value(it->second.value), it->second.depth);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(mark, anchor, Value::Kind::sequence);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(mark, anchor, Value::Kind::map);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Value value;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    std::size_t first_count, first_bytes;
    bool has_key = false;
    bool skip = false;  // the key was rejected: its value is dropped
    Member member;
    int depth = 0;  // nested levels
    std::map<std::string, Location> keys = {};
  };
  struct Anchored {
    Value value;
    std::size_t count;  // nested values
    std::size_t bytes;  // of their texts
    int depth;          // nested levels
  };

  // The parser marks plain values with "?" and quoted values with "!".
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    Diagnostic& finding = diagnostics_.add(ErrorCode::yaml_syntax, place(mark), "tags are not supported");
    finding.got = tag;
    finding.expected = "a plain value; quotes make it text";
  }

  [[noreturn]] void too_deep(const YAML::Mark& mark) {
    diagnostics_.add(ErrorCode::document_too_deep, place(mark), "the document is nested too deeply").expected =
        fmt::format("at most {} levels", kMaxDepth);
    throw Stop{};
  }

  Location place(const YAML::Mark& mark) const { return {name_, mark.line + 1, mark.column + 1}; }

  void count(const YAML::Mark& mark, std::size_t values) {
    const bool aliased = values > 1;
    values_ += values;
    if (values_ <= kMaxValues) return;
    Diagnostic& finding =
        diagnostics_.add(aliased ? ErrorCode::alias_bomb : ErrorCode::document_too_large, place(mark),
                         aliased ? "the aliases expand to too many values" : "the document has too many values");
    finding.expected = fmt::format("at most {} values", kMaxValues);
    throw Stop{};
  }

  void count_bytes(const YAML::Mark& mark, std::size_t bytes, bool aliased) {
    bytes_ += bytes;
    if (!aliased || bytes_ <= kMaxAliasedBytes) return;
    diagnostics_.add(ErrorCode::alias_bomb, place(mark), "the aliases expand to too much text").expected =
        fmt::format("at most {} bytes", kMaxAliasedBytes);
    throw Stop{};
  }

  // An anchor keeps a copy for its aliases, and anchors can be nested.
  void keep(YAML::anchor_t anchor, const YAML::Mark& mark, const Value& value, std::size_t values, std::size_t bytes,
            int depth) {
    if (anchor == 0) return;
    kept_ += values;
    if (kept_ > kMaxValues) {
      diagnostics_.add(ErrorCode::alias_bomb, place(mark), "the anchors expand to too many values").expected =
          fmt::format("at most {} values, counted for each anchor around them", kMaxValues);
      throw Stop{};
    }
    anchors_[anchor] = {value, values, bytes, depth};
  }

  void leaf(const YAML::Mark& mark, YAML::anchor_t anchor, Value::Kind kind, const std::string& text, bool quoted) {
    count(mark, 1);
    count_bytes(mark, text.size(), false);
    Value value;
    value.kind = kind;
    value.scalar = text;
    value.quoted = quoted;
    value.where = place(mark);
    if (kind == Value::Kind::scalar && !quoted && (text.empty() || text == "~" || text == "null"))
      value.kind = Value::Kind::null;
    keep(anchor, mark, value, 1, text.size(), 0);
    add(std::move(value));
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Value::Kind kind) {
    count(mark, 1);
    if (static_cast<int>(stack_.size()) >= kMaxDepth) too_deep(mark);
    Open item{{}, anchor, mark, values_, bytes_, false, false, {}, 0};
    item.value.kind = kind;
    item.value.where = place(mark);
    stack_.push_back(std::move(item));
  }

  void close() {
    Open item = std::move(stack_.back());
    stack_.pop_back();
    const int depth = item.depth + 1;
    keep(item.anchor, item.mark, item.value, values_ - item.first_count + 1, bytes_ - item.first_bytes, depth);
    add(std::move(item.value), depth);
  }

  void add(Value value, int depth = 0) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = stack_.back();
    parent.depth = std::max(parent.depth, depth);
    if (parent.value.kind == Value::Kind::sequence) {
      parent.value.items.push_back(std::move(value));
    } else if (!parent.has_key) {
      take_key(parent, value);
    } else {
      parent.has_key = false;
      parent.member.value = std::move(value);
      if (!parent.skip) parent.value.members.push_back(std::move(parent.member));
    }
  }

  void take_key(Open& parent, const Value& key) {
    parent.has_key = true;
    parent.skip = false;
    parent.member = Member{key.scalar, key.where, {}};
    if (key.kind != Value::Kind::scalar) {
      Diagnostic& finding = diagnostics_.add(ErrorCode::wrong_type, key.where, "a key must be a name");
      finding.got = key.kind_name();
      finding.expected = "a text";
      if (key.kind == Value::Kind::map) finding.hint = "is this ${...}? write it in quotes: \"${...}\"";
      parent.skip = true;
      parent.value.broken = true;  // errors about its type and missing keys follow from this
    } else if (key.scalar == "<<" && !key.quoted) {
      diagnostics_.add(ErrorCode::merge_key, key.where, "merge keys (<<) are not supported").hint =
          "use extends, or blocks with use";
      parent.skip = true;
      parent.value.broken = true;  // keys that it would have added are not reported as missing
    } else {
      const auto [first, fresh] = parent.keys.emplace(key.scalar, key.where);
      if (!fresh) {
        Diagnostic& finding = diagnostics_.add(ErrorCode::duplicate_key, key.where,
                                               fmt::format("the key '{}' occurs twice here", key.scalar));
        finding.other = first->second;
        finding.other_role = "first";
        parent.skip = true;
      }
    }
  }

  std::string name_;
  Diagnostics& diagnostics_;
  Value root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t values_ = 0, bytes_ = 0, kept_ = 0;
};

// The first byte that YAML does not allow: a control character or a broken UTF-8 sequence.
std::size_t bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c < 0x80 ? 1 : (c >> 5) == 6 ? 2 : (c >> 4) == 14 ? 3 : (c >> 3) == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size() || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
      return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) >> 6) != 2) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

// A file in the same folder with a similar name; "" if there is none.
std::string nearest_file(const std::string& path) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(path).parent_path();
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder.empty() ? "." : folder, error), end; !error && it != end; it.increment(error)) {
    if (names.size() >= 1000) break;
    if (it->path().extension() == ".yaml") names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  const std::string name = nearest_name(fs::path(path).filename().string(), names);
  return name.empty() ? "" : (folder / name).string();
}

std::string line_of(std::string_view text, int line) {
  for (; line > 0 && !text.empty(); --line) text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  std::string found(text.substr(0, std::min<std::size_t>(text.find('\n'), 80)));
  std::replace(found.begin(), found.end(), '\t', ' ');
  found.erase(0, std::min(found.find_first_not_of(' '), found.size()));
  return found;
}

Location place_of_byte(std::string_view text, std::size_t offset, const std::string& name) {
  Location where{name, 1, 1};
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++where.line;
      where.column = 1;
    } else {
      ++where.column;
    }
  }
  return where;
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}
Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

std::string Value::kind_name() const {
  switch (kind) {
    case Kind::null: return "nothing";
    case Kind::scalar: return fmt::format("'{}'", scalar);
    case Kind::sequence: return "a list";
    case Kind::map: return "a map";
  }
  return "";
}

Value parse_yaml(std::string_view text, const std::string& name, Diagnostics& diagnostics) {
  if (text.size() > kMaxBytes) {
    Diagnostic& finding = diagnostics.add(ErrorCode::document_too_large, {name, 1, 1}, "the document is too large");
    finding.expected = fmt::format("at most {} bytes", kMaxBytes);
    return {};
  }
  if (const std::size_t bad = bad_byte(text); bad != std::string_view::npos) {
    diagnostics.add(ErrorCode::yaml_syntax, place_of_byte(text, bad, name), "this is not UTF-8 text").got =
        fmt::format("byte 0x{:02x} at offset {}", static_cast<unsigned char>(text[bad]), bad);
    return {};
  }
  Builder builder(name, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) {
      diagnostics.add(ErrorCode::yaml_syntax, {name, 1, 1}, "the document is empty").expected = "a map with `nodes`";
      return {};
    }
    Value root = builder.take();
    Builder rest(name, diagnostics);
    if (parser.HandleNextDocument(rest)) {
      diagnostics.add(ErrorCode::yaml_syntax, rest.take().where, "a second document starts here").expected =
          "one YAML document per file";
    }
    return root;
  } catch (const YAML::Exception& problem) {
    // yaml-cpp 0.8 adds the anchor's name to this sentence; it is in the line that is shown.
    static const std::string kUnknownAnchor = "the referenced anchor is not defined";
    Diagnostic& finding =
        diagnostics.add(ErrorCode::yaml_syntax, {name, problem.mark.line + 1, problem.mark.column + 1},
                        problem.msg.starts_with(kUnknownAnchor) ? kUnknownAnchor : problem.msg);
    finding.got = line_of(text, problem.mark.line);
    if (problem.msg.find("anchor") == std::string::npos)
      finding.expected = "YAML: closed brackets and quotes, indentation by spaces";
  } catch (const Stop&) {
  }
  return {};
}

Value parse_yaml_file(const std::string& path, const Location& asked, Diagnostics& diagnostics) {
  std::ifstream file(path, std::ios::binary);
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  // Reads more than is allowed, to see that there is more; an endless file is not read to its end.
  std::string text;
  constexpr std::size_t kPart = 16384;
  for (std::size_t read = kPart; !is_folder && read == kPart && text.size() <= kMaxBytes;) {
    const std::size_t before = text.size();
    text.resize(before + kPart);
    read = static_cast<std::size_t>(file.read(text.data() + before, kPart).gcount());
    text.resize(before + read);
  }
  if (is_folder || !file.is_open() || file.bad()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::file_not_found, asked, "this document cannot be read");
    finding.got = path + (is_folder ? ", a folder" : "");
    finding.expected = "a YAML file; a relative path is relative to the file that contains it";
    finding.suggestion = nearest_file(path);
    // A shipped graph may have been moved to another folder: its name is enough.
    const std::filesystem::path asked_for = path;
    const bool is_shipped = nearest_shipped_graph(asked_for.stem().string()) == asked_for.stem().string();
    if (finding.suggestion.empty())
      finding.suggestion =
          is_shipped ? asked_for.stem().string() : nearest_shipped_graph(asked_for.filename().string());
    return {};
  }
  return parse_yaml(text, path, diagnostics);
}

OptionValue scalar_value(const Value& value) {
  const std::string& text = value.scalar;
  if (value.quoted) return OptionValue(text);
  if (text == "true" || text == "false") return OptionValue(text == "true");
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(begin, end, integer); error == std::errc() && at == end)
    return OptionValue(integer);
  double number = 0;
  const bool numeric =
      !text.empty() && (std::isdigit(static_cast<unsigned char>(*begin)) != 0 || *begin == '-' || *begin == '.');
  if (const auto [at, error] = std::from_chars(begin, end, number); numeric && error == std::errc() && at == end)
    return OptionValue(number);
  return OptionValue(text);
}

}  // namespace loom
