// Numbers as people read them.
//
// Thread safety: functions of their arguments.
#pragma once

#include <cstdint>
#include <string>

namespace loom {

// 1234567 as "1,234,567"; bytes as "1.2 MiB"; seconds as "1:02:03"; flop as "1.2 G".
std::string grouped(std::int64_t number);
std::string readable_bytes(double bytes);
std::string readable_time(double seconds);
std::string readable_count(double number);

}  // namespace loom
