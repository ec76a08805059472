#include "train/run_document.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <zlib.h>

#include <filesystem>

#include "io/atomic_file.h"
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

}  // namespace

std::string document_hash(const std::string& text) {
  return fmt::format("crc32:{:08x}", crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size()));
}

void keep_document(const std::string& run, const std::string& text) {
  const fs::path path = kept_path(run, document_hash(text));
  std::error_code problem;
  fs::create_directories(path.parent_path(), problem);
  if (problem)
    throw Error(ErrorCode::write_failed,
                fmt::format("cannot create {}: {}", path.parent_path().string(), problem.message()));
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
  if (hash == document_hash(read_text_file(run + "/graph.yaml"))) return "";
  const fs::path kept = kept_path(run, hash);
  return fs::is_regular_file(kept, ignored) ? kept.string() : "";
}

}  // namespace loom
