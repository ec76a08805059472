#include "train/run_document.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <zlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/atomic_file.h"
#include "io/json_fields.h"
#include "loom/error.h"
#include "train/checkpoint.h"

namespace loom {
namespace {

namespace fs = std::filesystem;

fs::path kept_path(const std::string& run, std::string hash) {
  for (char& c : hash) {
    if (c == ':') c = '-';
  }
  return fs::path(run) / "graphs" / (hash + ".yaml");
}

std::string change_path(const std::string& run) { return run + "/graphs/change.json"; }

// The metadata of the newest checkpoint; none where it cannot be read, which the reader of the checkpoint reports.
std::optional<TextMap> newest_metadata(const std::string& run) {
  const auto checkpoints = list_checkpoints(run + "/checkpoints");
  if (checkpoints.empty()) return std::nullopt;
  try {
    return SafetensorsFile(checkpoints.back().second).metadata();
  } catch (const Error&) {
    return std::nullopt;
  }
}

void make_folder(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem)
    throw Error(ErrorCode::write_failed, fmt::format("cannot create {}: {}", path.string(), problem.message()));
}

}  // namespace

std::string document_hash(const std::string& text) {
  return fmt::format("crc32:{:08x}", crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

void keep_document(const std::string& run, const std::string& text) {
  const fs::path path = kept_path(run, document_hash(text));
  make_folder(path.parent_path());
  if (!fs::exists(path)) write_text_file(path.string(), text);
}

bool is_edited(const std::string& run, const std::string& checkpoint) {
  const TextMap metadata = SafetensorsFile(checkpoint).metadata();
  if (!metadata.contains("document_hash")) return false;
  const std::string now = document_hash(read_text_file(run + "/graph.yaml"));
  std::error_code ignored;
  return now != metadata.at("document_hash") && !fs::is_regular_file(kept_path(run, now), ignored);
}

std::string document_of_newest_checkpoint(const std::string& run) {
  std::error_code ignored;
  if (!fs::is_directory(fs::path(run) / "graphs", ignored)) return "";
  const auto checkpoints = list_checkpoints(run + "/checkpoints");
  if (checkpoints.empty()) return "";
  const std::string& file = checkpoints.back().second;
  std::string hash;
  try {
    hash = CheckpointInfo::from_metadata(SafetensorsFile(file).metadata(), file).document_hash;
  } catch (const Error&) {  // the reader of the checkpoint reports this
    return "";
  }
  const std::string now = document_hash(read_text_file(run + "/graph.yaml"));
  if (hash == now || !fs::is_regular_file(kept_path(run, now), ignored)) return "";
  const fs::path kept = kept_path(run, hash);
  return fs::is_regular_file(kept, ignored) ? kept.string() : "";
}

void begin_change(const std::string& run, const SettingsChange& change) {
  nlohmann::json json = {{"settings", change.settings}, {"card", change.card}};
  json["checkpoint"] = change.checkpoint.to_metadata();
  make_folder(fs::path(change_path(run)).parent_path());
  write_text_file(change_path(run), json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

std::optional<SettingsChange> interrupted_change(const std::string& run) {
  const std::string path = change_path(run);
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  std::optional<TextMap> newest = newest_metadata(run);
  if (!newest) return std::nullopt;
  newest->erase("checksum");
  const JsonSource source{path, "not a change of the settings of a run"};
  const nlohmann::json json = parse_json(read_text_file(path), source);
  const JsonField field(json, source);
  TextMap expected;
  for (const auto& [name, value] : field.at("checkpoint").members()) expected[name] = value.text();
  if (*newest != expected) return std::nullopt;
  return SettingsChange{CheckpointInfo::from_metadata(expected, path), field.at("settings").text(),
                        field.at("card").text()};
}

void end_change(const std::string& run) {
  std::error_code ignored;  // one that stays is recognised by its checkpoint
  fs::remove(change_path(run), ignored);
}

}  // namespace loom
