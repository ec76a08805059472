#include "loom/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace loom::check {
namespace {

int badness(CheckRow::Result result) {
  switch (result) {
    case CheckRow::Result::skipped: return 0;
    case CheckRow::Result::passed: return 1;
    case CheckRow::Result::noted: return 2;
    case CheckRow::Result::failed: return 3;
  }
  return 3;
}

bool is_worse(const CheckRow& row, const CheckRow& than) {
  if (badness(row.result) != badness(than.result)) return badness(row.result) > badness(than.result);
  return !std::isnan(row.figure) && !(row.figure <= than.figure);
}

}  // namespace

std::string_view result_text(CheckRow::Result result) {
  switch (result) {
    case CheckRow::Result::passed: return "ok";
    case CheckRow::Result::failed: return "FAILED";
    case CheckRow::Result::noted: return "note";
    case CheckRow::Result::skipped: return "skipped";
  }
  return "";
}

bool CheckTable::ok() const {
  const auto is = [](CheckRow::Result result) {
    return [result](const CheckRow& row) { return row.result == result; };
  };
  return std::ranges::none_of(rows, is(CheckRow::Result::failed)) &&
         std::ranges::any_of(rows, is(CheckRow::Result::passed));
}

const CheckRow* CheckTable::find(std::string_view check) const {
  const auto it = std::ranges::find(rows, check, &CheckRow::check);
  return it == rows.end() ? nullptr : &*it;
}

void CheckTable::add(CheckRow row) {
  const auto it = std::ranges::find(rows, row.check, &CheckRow::check);
  if (it == rows.end())
    rows.push_back(std::move(row));
  else if (is_worse(row, *it))
    *it = std::move(row);
}

std::string CheckTable::text() const {
  std::string out = fmt::format("{}  ({}, {})\n", type, kind, library);
  for (const std::string& example : examples) out += fmt::format("  with     {}\n", example);
  for (const std::string& output : outputs) out += fmt::format("  gives    {}\n", output);
  std::size_t width = 0;
  for (const CheckRow& row : rows) width = std::max(width, row.check.size());
  for (const CheckRow& row : rows)
    out += fmt::format("  {:<{}}  {:<7}  {}\n", row.check, width, result_text(row.result), row.finding);
  return out;
}

std::string CheckTable::failures() const {
  std::string out;
  for (const CheckRow& row : rows) {
    if (row.result != CheckRow::Result::failed) continue;
    out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", row.check, row.finding);
  }
  return out;
}

}  // namespace loom::check
