// The output of graph-runner: results go to stdout, and messages for people to stderr.
//
// Thread safety: one thread.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "loom/error.h"
#include "report/readable.h"

namespace loom::runner {

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kWrongUse = 2;
inline constexpr int kBadInput = 65;  // a bad document or bad data

// Whoever read stdout has gone: nothing more to say to it.
struct BrokenPipe {};

// Writes to stdout; throws Error(write_failed) on a full disk, BrokenPipe where nobody reads any more.
void write_out(std::string_view text);
void flush_out();
// Everything that stdin has; throws Error(read_failed).
std::string read_in();
template <class... T>
void print(fmt::format_string<T...> format, T&&... values) {
  write_out(fmt::format(format, std::forward<T>(values)...));
}
// One JSON document and a line end; bytes that are no UTF-8 are replaced.
void print_json(const nlohmann::ordered_json& json);
// The same in one line, for streams of them.
void print_json_line(const nlohmann::ordered_json& json);

// Writes to stderr; failures are ignored, for there is nobody left to tell.
void say(std::string_view text);
void say_line(const std::string& text);  // a notice of the library

// A terminal that understands colours, and a user who wants them (https://no-color.org).
bool has_colours(int descriptor);
bool is_terminal(int descriptor);
int terminal_width(int descriptor);

// 65 for documents and data, 2 for wrong use, 1 for the rest.
int exit_code(const Error& error);
nlohmann::ordered_json to_json(const Diagnostic& diagnostic);
// Every diagnostic once: as text on stderr, or as {"errors": [...]} on stdout.
void print_errors(const Error& error, bool as_json);

// A number for JSON: null where it is not finite.
nlohmann::ordered_json json_number(double value);

}  // namespace loom::runner
