#include "runner/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace loom::runner {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail_to_write(int reason) {
  if (reason == EPIPE) throw BrokenPipe{};
  throw Error(ErrorCode::write_failed,
              fmt::format("cannot write to the standard output: {}", std::generic_category().message(reason)));
}

// Includes a document that names a run that does not exist or does not fit.
bool is_bad_input(const Diagnostic& diagnostic) {
  const char group = error_number(diagnostic.code)[1];
  return group == '1' || group == '2' || group == '4' || ((group == '5' || group == '6') && diagnostic.where.line > 0);
}

// The text of a diagnostic with its code in red.
std::string coloured(const std::string& text, ErrorCode code) {
  const std::string label = fmt::format("error {} {}", error_number(code), error_name(code));
  const std::size_t at = text.find(label);
  if (at == std::string::npos) return text;
  return text.substr(0, at) + "\x1b[1;31m" + label + "\x1b[0m" + text.substr(at + label.size());
}

}  // namespace

void write_out(std::string_view text) {
  errno = 0;
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_to_write(errno);
}

void flush_out() {
  errno = 0;
  if (std::fflush(stdout) != 0) fail_to_write(errno);
}

void print_json(const Json& json) { write_out(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"); }

void print_json_line(const nlohmann::ordered_json& json) {
  write_out(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

std::string read_in() {
  std::string text;
  char piece[1 << 16];
  while (const std::size_t count = std::fread(piece, 1, sizeof piece, stdin)) text.append(piece, count);
  if (std::ferror(stdin) != 0) throw Error(ErrorCode::read_failed, "stdin cannot be read");
  return text;
}

void say(std::string_view text) {
  [[maybe_unused]] const std::size_t ignored = std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void say_line(const std::string& text) { say(text + "\n"); }

bool is_terminal(int descriptor) { return ::isatty(descriptor) != 0; }

bool has_colours(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return is_terminal(descriptor) && !dumb && (refused == nullptr || *refused == '\0');
}

int terminal_width(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int exit_code(const Error& error) {
  int code = kFailed;
  for (const Diagnostic& diagnostic : error.diagnostics()) {
    if (is_bad_input(diagnostic)) return kBadInput;
    if (diagnostic.code == ErrorCode::usage || diagnostic.code == ErrorCode::not_supported) code = kWrongUse;
  }
  return code;
}

Json to_json(const Diagnostic& diagnostic) {
  Json json = {{"code", error_number(diagnostic.code)},
               {"name", error_name(diagnostic.code)},
               {"file", diagnostic.where.file},
               {"line", diagnostic.where.line},
               {"column", diagnostic.where.column},
               {"message", diagnostic.message},
               {"got", diagnostic.got},
               {"expected", diagnostic.expected},
               {"suggestion", diagnostic.suggestion},
               {"hint", diagnostic.hint}};
  const auto end_json = [](const Location& place, const std::string& role) {
    return Json{{"role", role}, {"file", place.file}, {"line", place.line}, {"column", place.column}};
  };
  if (diagnostic.other.known()) json["other"] = end_json(diagnostic.other, diagnostic.other_role);
  for (const OtherEnd& end : diagnostic.further_ends) json["further_ends"].push_back(end_json(end.where, end.role));
  return json;
}

void print_errors(const Error& error, bool as_json) {
  if (as_json) {
    Json errors = Json::array();
    for (const Diagnostic& diagnostic : error.diagnostics()) errors.push_back(to_json(diagnostic));
    try {
      print_json_line({{"errors", errors}});  // one line: it may end a stream of events
      flush_out();
      return;
    } catch (const BrokenPipe&) {
      return;
    } catch (const Error&) {  // standard output has failed: report the error as text
    }
  }
  const bool colours = has_colours(STDERR_FILENO);
  for (const Diagnostic& diagnostic : error.diagnostics()) {
    const std::string text = diagnostic.text();
    say((colours ? coloured(text, diagnostic.code) : text) + "\n");
  }
}

Json json_number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

}  // namespace loom::runner
