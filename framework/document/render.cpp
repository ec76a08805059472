#include "document/render.h"

#include <fmt/format.h>

#include <algorithm>

#include "document/tree.h"
#include "document/value.h"

namespace loom {
namespace {

// A text, quoted if plain YAML would read it as another type.
std::string text_of(const std::string& text) {
  Value plain;
  plain.kind = Value::Kind::scalar;
  plain.scalar = text;
  const bool safe = !text.empty() && text != "null" && text != "~" &&
                    std::all_of(text.begin(), text.end(),
                                [](char c) {
                                  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' ||
                                         c == '.' || c == '/';
                                }) &&
                    text[0] != '-' && text[0] != '.' && std::holds_alternative<std::string>(scalar_value(plain));
  if (safe) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (c == '\n')
      quoted += "\\n";
    else if (c == '\t')
      quoted += "\\t";
    else if (c == '\r')
      quoted += "\\r";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    else
      quoted += c;
  }
  return quoted + "\"";
}

std::string number_of(double number) {
  const std::string text = fmt::format("{}", number);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string value_of(const OptionValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text_of(*text);
  if (const auto* number = std::get_if<double>(&value)) return number_of(*number);
  if (const auto* list = std::get_if<std::vector<OptionValue>>(&value)) {
    std::string text = "[";
    for (const OptionValue& item : *list) text += (text.size() > 1 ? ", " : "") + value_of(item);
    return text + "]";
  }
  if (const auto* map = std::get_if<OptionMap>(&value)) {
    std::string text = "{";
    for (const OptionMember& member : *map)
      text += (text.size() > 1 ? ", " : "") + text_of(member.name) + ": " + value_of(member.value);
    return text + "}";
  }
  return value.text();
}

// A section whose entries are maps: one line per entry.
bool has_entries(const OptionMap& section) {
  return !section.empty() && std::ranges::all_of(section, [](const OptionMember& member) {
    return std::holds_alternative<OptionMap>(member.value);
  });
}

}  // namespace

std::string render_document(const Document& document) {
  std::string out;
  for (const OptionMember& section : document_tree(document)) {
    out += text_of(section.name) + ":";
    const auto* map = std::get_if<OptionMap>(&section.value);
    if (map == nullptr || !has_entries(*map)) {
      out += " " + value_of(section.value) + "\n";
      continue;
    }
    out += "\n";
    for (const OptionMember& entry : *map) out += "  " + text_of(entry.name) + ": " + value_of(entry.value) + "\n";
  }
  return out;
}

}  // namespace loom
