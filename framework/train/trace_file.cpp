#include "train/trace_file.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"

namespace loom {
namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void write_trace(const Trace& trace, const std::string& file) {
  std::int64_t start = std::numeric_limits<std::int64_t>::max();
  for (const Trace::Span& span : trace.spans()) start = std::min(start, span.begin);
  std::string text = "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [\n";
  const auto microseconds = [](std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; };
  bool first = true;
  for (const Trace::Span& span : trace.spans()) {
    if (!std::exchange(first, false)) text += ",\n";
    const std::string name = span.name->text.empty() ? span.name->category : span.name->text;
    text += fmt::format(
        "{{\"ph\": \"X\", \"pid\": 1, \"tid\": {}, \"name\": {}, \"cat\": {}, \"ts\": {:.3f}, \"dur\": {:.3f}",
        span.thread, quoted(name), quoted(span.name->category), microseconds(span.begin - start),
        microseconds(span.end - span.begin));
    if (span.lane >= 0) text += fmt::format(", \"args\": {{\"lane\": {}, \"shard\": {}}}", span.lane, span.shard);
    text += "}";
  }
  text += fmt::format("\n], \"otherData\": {{\"dropped spans\": {}}}}}\n", trace.dropped());
  write_text_file(file, text);
}

}  // namespace loom
