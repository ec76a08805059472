#include "text_pieces.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "files.h"
#include "sound_files.h"
#include "utf8.h"

namespace loom {
namespace {

constexpr std::size_t kMostTextProblems = 20;

void require_utf8(const std::string& file, std::string_view text, Diagnostics& problems) {
  const std::size_t bad = first_not_utf8(text);
  if (bad == std::string_view::npos) return;
  Diagnostic finding =
      file_error(ErrorCode::data_wrong_format, file, static_cast<std::int64_t>(bad), "the text is not UTF-8",
                 fmt::format("byte 0x{:02x}", static_cast<unsigned char>(text[bad])), "text in UTF-8")
          .diagnostics()
          .front();
  finding.hint = "iconv -f WINDOWS-1252 -t UTF-8 converts texts of older programs; tokens: bytes reads any file";
  problems.add(Error(std::move(finding)));
}

}  // namespace

TextPieces::TextPieces(const std::string& path, std::vector<std::string> files, const TextForm& form)
    : form_(form), root_(path) {
  Diagnostics problems(kMostTextProblems);
  std::size_t without = 0;
  for (std::string& file : files) {
    std::vector<TextPiece> pieces;
    if (is_file(file) && std::ifstream(file, std::ios::binary).peek() != std::ifstream::traits_type::eof()) {
      const MappedFile mapped(file);
      std::string_view text(reinterpret_cast<const char*>(mapped.bytes().data()), mapped.bytes().size());
      std::int64_t start = 0;
      if (form_.unit != TokenUnit::bytes) {
        require_utf8(file, text, problems);
        if (text.starts_with(kByteOrderMark)) start = static_cast<std::int64_t>(kByteOrderMark.size());
      }
      if (problems.empty()) cut(text, start, pieces);
    }
    without += pieces.empty() ? 1 : 0;
    if (pieces.empty()) continue;
    files_.push_back(std::move(file));
    pieces_.push_back(std::move(pieces));
  }
  problems.throw_if_any();
  if (files_.empty())
    throw file_error(ErrorCode::data_empty, path, kNoOffset, "no text is as long as a piece", counted(without, "file"),
                     form_.cut == TextForm::Cut::windows && !form_.pad
                         ? fmt::format("{} tokens in a file", form_.length)
                         : "tokens");
  if (without > 0)
    notices_.push_back(fmt::format("{} of {} {} no piece and {} left out", without, counted(files.size(), "file"),
                                   without == 1 ? "has" : "have", without == 1 ? "was" : "were"));
  if (cut_short_ > 0)
    notices_.push_back(
        fmt::format("{} {} longer than {} tokens: the rest is left out",
                    counted(static_cast<std::size_t>(cut_short_), form_.cut == TextForm::Cut::lines ? "line" : "file"),
                    cut_short_ == 1 ? "is" : "are", form_.length));
}

std::size_t TextPieces::add_piece(std::string_view text, std::int64_t offset, bool may_be_short,
                                  std::vector<TextPiece>& pieces) {
  std::string_view rest = text;
  std::int64_t tokens = 0;
  for (; tokens < form_.length; ++tokens) {
    const std::string_view token = take_token(rest, form_.unit);
    if (token.empty()) break;
    if (form_.unit == TokenUnit::bytes) continue;
    std::int64_t& count = token_counts_.at(token);
    count = std::max<std::int64_t>(count, 0) + 1;
  }
  const std::size_t bytes = text.size() - rest.size();
  if (tokens > 0 && (tokens == form_.length || may_be_short))
    pieces.push_back({offset, static_cast<std::int32_t>(bytes), static_cast<std::int32_t>(tokens)});
  return bytes;
}

void TextPieces::cut(std::string_view text, std::int64_t start, std::vector<TextPiece>& pieces) {
  std::size_t at = static_cast<std::size_t>(start);
  // A piece is read at once; its bytes are counted in 32 bits.
  const auto window = [&](std::string_view part) {
    return part.substr(0, static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  };
  while (at < text.size()) {
    std::string_view part = text.substr(at);
    if (form_.cut == TextForm::Cut::windows) {
      at += add_piece(window(part), static_cast<std::int64_t>(at), form_.pad, pieces);
      continue;
    }
    std::size_t next = text.size();
    if (form_.cut == TextForm::Cut::lines) {
      const std::size_t end = part.find('\n');
      if (end != std::string_view::npos) next = at + end + 1;
      part = part.substr(0, end);
      if (part.ends_with('\r')) part.remove_suffix(1);
    }
    std::string_view rest = part.substr(add_piece(window(part), static_cast<std::int64_t>(at), true, pieces));
    cut_short_ += take_token(rest, form_.unit).empty() ? 0 : 1;
    at = next;
  }
}

std::vector<std::int64_t> TextPieces::counts() const {
  std::vector<std::int64_t> counts;
  for (const auto& pieces : pieces_) counts.push_back(static_cast<std::int64_t>(pieces.size()));
  return counts;
}

std::string TextPieces::read(std::size_t file, const TextPiece& piece) const {
  std::string text(static_cast<std::size_t>(piece.bytes), '\0');
  std::ifstream stream(files_[file], std::ios::binary);
  if (!stream.seekg(piece.offset).read(text.data(), piece.bytes))
    throw file_error(ErrorCode::data_truncated, files_[file], piece.offset, "the file ends in a piece",
                     counted(static_cast<std::size_t>(stream.gcount()), "byte"),
                     counted(static_cast<std::size_t>(piece.bytes), "byte"));
  return text;
}

void TextPieces::add_to(ContentHash& hash) const { add_files(hash, root_, files_); }

}  // namespace loom
