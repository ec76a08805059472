#include "report/readable.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace loom {

std::string grouped(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) text.insert(at -= 3, ",");
  return text;
}

std::string readable_bytes(double bytes) {
  const char* unit = "bytes";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (bytes < 1024) break;
    bytes /= 1024;
    unit = next;
  }
  return fmt::format("{:.{}f} {}", bytes, std::string_view(unit) == "bytes" ? 0 : 1, unit);
}

std::string readable_time(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

std::string readable_count(double number) {
  const char* unit = "";
  for (const char* next : {"k", "M", "G", "T"}) {
    if (std::abs(number) < 1000) break;
    number /= 1000;
    unit = next;
  }
  return *unit == '\0' ? fmt::format("{:.0f}", number) : fmt::format("{:.2f} {}", number, unit);
}

}  // namespace loom
