// Files of text cut into pieces: where each piece lies, and how many tokens it has.
//
// Thread safety: immutable after construction; a file is opened at every read. Errors: E4xx with the file and the byte.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loom/dataset.h"
#include "text_tokens.h"

namespace loom {

struct TextForm {
  enum class Cut { windows, lines, files };
  TokenUnit unit = TokenUnit::characters;
  Cut cut = Cut::windows;
  std::int64_t length = 0;  // of a piece, in tokens
  bool pad = false;         // of windows: the rest of a file is a piece too
};

struct TextPiece {
  std::int64_t offset;  // in the file, in bytes
  std::int32_t bytes;
  std::int32_t tokens;  // at most the length of the form
};

class TextPieces {
 public:
  TextPieces() = default;
  // Reads every file once. Throws one Error that names all files that are not UTF-8 (unless the tokens are bytes), or
  // data_empty if no file has a piece.
  TextPieces(const std::string& path, std::vector<std::string> files, const TextForm& form);

  const std::vector<std::string>& files() const { return files_; }  // those with a piece
  std::vector<std::int64_t> counts() const;                         // of pieces in each of them
  const TextPiece& piece(std::size_t file, std::int64_t number) const {
    return pieces_[file][static_cast<std::size_t>(number)];
  }
  std::string read(std::size_t file, const TextPiece& piece) const;
  const TokenMap& token_counts() const { return token_counts_; }  // of all pieces
  const std::vector<std::string>& notices() const { return notices_; }
  void add_to(ContentHash& hash) const;

 private:
  void cut(std::string_view text, std::int64_t start, std::vector<TextPiece>& pieces);
  // Adds the piece that starts `text`; the number of bytes that it takes.
  std::size_t add_piece(std::string_view text, std::int64_t offset, bool may_be_short, std::vector<TextPiece>& pieces);

  TextForm form_;
  std::string root_;  // the folder, or the file
  std::vector<std::string> files_;
  std::vector<std::vector<TextPiece>> pieces_;  // of each file
  TokenMap token_counts_;
  std::vector<std::string> notices_;
  std::int64_t cut_short_ = 0;
};

}  // namespace loom
