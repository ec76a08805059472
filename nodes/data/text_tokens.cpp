#include "text_tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "utf8.h"

namespace loom {
namespace {

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

TokenUnit token_unit(const std::string& name) {
  return name == "bytes" ? TokenUnit::bytes : name == "words" ? TokenUnit::words : TokenUnit::characters;
}

std::string_view take_token(std::string_view& rest, TokenUnit unit) {
  std::size_t size = 1;
  if (unit == TokenUnit::words) {
    while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
    size = static_cast<std::size_t>(std::ranges::find_if(rest, is_blank) - rest.begin());
  } else if (unit == TokenUnit::characters && !rest.empty()) {
    size = std::max<std::size_t>(1, utf8_length(rest, 0));
  }
  const std::string_view token = rest.substr(0, size);
  rest.remove_prefix(token.size());
  return token;
}

std::int64_t TokenMap::find(std::string_view token) const {
  if (token.size() == 1) return small_[static_cast<unsigned char>(token.front())];
  const auto found = large_.find(token);
  return found == large_.end() ? -1 : found->second;
}

std::int64_t& TokenMap::at(std::string_view token) {
  if (token.size() == 1) return small_[static_cast<unsigned char>(token.front())];
  const auto found = large_.find(token);
  return found == large_.end() ? large_.emplace(token, -1).first->second : found->second;
}

Vocabulary::Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    codes_.at(tokens_[i]) = static_cast<std::int64_t>(i);
    if (tokens_[i] == kUnknown) unknown_ = static_cast<std::int64_t>(i);
  }
}

// The names of bytes that are not printable ASCII are "0x0a"; the codes are the bytes.
Vocabulary Vocabulary::of_bytes() {
  Vocabulary vocabulary;
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    vocabulary.tokens_.push_back(i > 32 && i < 127 ? std::string(1, c) : fmt::format("0x{:02x}", i));
    vocabulary.codes_.at(std::string_view(&c, 1)) = i;
  }
  return vocabulary;
}

Vocabulary Vocabulary::of(const TokenMap& counts, std::size_t most) {
  std::vector<std::pair<std::int64_t, std::string>> found;
  counts.for_each([&](const std::string& token, std::int64_t count) { found.emplace_back(-count, token); });
  const bool cut = most > 0 && found.size() > most;
  if (cut) {
    std::ranges::sort(found);  // by count, then by the token
    found.resize(most - 1);
  }
  std::vector<std::string> tokens;
  for (auto& [count, token] : found) tokens.push_back(std::move(token));
  std::ranges::sort(tokens, [](const std::string& a, const std::string& b) {  // bytes of UTF-8 sort as code points
    return std::ranges::lexicographical_compare(a, b, [](unsigned char x, unsigned char y) { return x < y; });
  });
  if (cut && std::ranges::find(tokens, kUnknown) == tokens.end()) tokens.push_back(kUnknown);
  return Vocabulary(std::move(tokens));
}

}  // namespace loom
