// Checks that bytes are UTF-8 (RFC 3629): no byte that cannot occur, no sequence that is cut off, longer than needed, a
// surrogate, or beyond U+10FFFF.
//
// Thread safety: free functions without state.
#pragma once

#include <cstddef>
#include <string_view>

namespace loom {

inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The number of bytes of the character that starts at `at`; 0: what stands there is not UTF-8.
std::size_t utf8_length(std::string_view text, std::size_t at);

// The place of the first byte that is not UTF-8; std::string_view::npos: all of the text is.
std::size_t first_not_utf8(std::string_view text);

}  // namespace loom
