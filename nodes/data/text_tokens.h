// Tokens of text: bytes, characters (code points of Unicode) or words, and the vocabulary that numbers them.
//
// Thread safety: a Vocabulary is immutable after construction; a TokenCounts belongs to one thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace loom {

enum class TokenUnit { bytes, characters, words };
TokenUnit token_unit(const std::string& name);  // "bytes", "characters", "words"

// Takes the next token from the front of `rest`, and what stands before a word; "" at the end. `rest` is UTF-8 unless the
// tokens are bytes. Words are what stands between blanks and ends of lines.
std::string_view take_token(std::string_view& rest, TokenUnit unit);

// A map from texts that takes views as keys, with an array for those of one byte.
class TokenMap {
 public:
  TokenMap() { small_.fill(-1); }
  std::int64_t find(std::string_view token) const;  // -1: it is not there
  std::int64_t& at(std::string_view token);         // made with -1
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t c = 0; c < small_.size(); ++c)
      if (small_[c] >= 0) visit(std::string(1, static_cast<char>(c)), small_[c]);
    for (const auto& [token, value] : large_) visit(token, value);
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::array<std::int64_t, 256> small_;
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> large_;
};

class Vocabulary {
 public:
  static constexpr const char* kUnknown = "<unknown>";

  Vocabulary() = default;
  explicit Vocabulary(std::vector<std::string> tokens);
  static Vocabulary of_bytes();
  // The tokens that were counted, in their order by code points. With `most` > 0 at most that many: the most frequent
  // ones, and kUnknown for the others.
  static Vocabulary of(const TokenMap& counts, std::size_t most);

  const std::vector<std::string>& tokens() const { return tokens_; }
  // The number of a token, or that of kUnknown where the vocabulary has it; -1 otherwise.
  std::int64_t code(std::string_view token) const {
    const std::int64_t found = codes_.find(token);
    return found >= 0 ? found : unknown_;
  }

 private:
  std::vector<std::string> tokens_;
  TokenMap codes_;
  std::int64_t unknown_ = -1;
};

}  // namespace loom
