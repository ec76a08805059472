#include "train/checkpoint.h"

#include <fmt/format.h>
#include <climits>

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "io/json_fields.h"
#include "loom/abi.h"
#include "loom/error.h"
#include "run/algorithms.h"
#include "train/run_folder.h"

namespace loom {
namespace {

constexpr std::string_view kCheckpointFormat = "latentloom checkpoint 1";
constexpr const char* kPending = "pending";

nlohmann::json guard_to_json(const GuardState& guard) {
  nlohmann::json json = {{"skipped", guard.skipped}, {"in_row", guard.in_row}, {"norms", nlohmann::json::array()}};
  for (const GuardState::Running& norm : guard.norms)
    json["norms"].push_back({{"mean", norm.mean}, {"count", norm.count}});
  return json;
}

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// The fields of a checkpoint's metadata: texts, some of which are JSON.
class Metadata {
 public:
  Metadata(const TextMap& texts, const std::string& file)
      : texts_(texts),
        source_{file, "not a checkpoint that training can resume from", ErrorCode::checkpoint_mismatch} {}

  bool has(const std::string& key) const { return texts_.contains(key); }
  const std::string& text(const std::string& key) const {
    const auto it = texts_.find(key);
    if (it == texts_.end()) wrong_field(source_, key, "nothing", "a value");
    return it->second;
  }
  std::int64_t integer(const std::string& key, std::int64_t least, std::int64_t most) const {
    return integer_of(text(key), key, least, most, source_);
  }
  std::uint64_t natural(const std::string& key) const { return natural_of(text(key), key, source_); }
  double number(const std::string& key) const { return number_of(text(key), key, source_); }
  nlohmann::json json(const std::string& key) const { return parse_json(text(key), source_); }
  const JsonSource& source() const { return source_; }

 private:
  const TextMap& texts_;
  JsonSource source_;
};

std::map<std::string, std::int64_t> counts_from(const JsonField& field) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [name, count] : field.members()) counts[name] = count.integer(0, kMost);
  return counts;
}

GuardState guard_from(const JsonField& field) {
  GuardState guard;
  guard.skipped = field.at("skipped").integer(0, kMost);
  guard.in_row = field.at("in_row").integer(0, kMost);
  for (const JsonField& norm : field.at("norms").items())
    guard.norms.push_back({norm.at("mean").number(), norm.at("count").integer(0, kMost)});
  return guard;
}

std::vector<std::string> names_of(std::span<const NamedTensor> tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}

void check_one(const SafetensorsFile& file, const std::string& stored, const std::string& name, const Shape& shape,
               const std::vector<std::string>& there, Diagnostics& diagnostics) {
  const auto entry = file.entries().find(stored);
  if (entry == file.entries().end()) {
    Diagnostic& finding = diagnostics.add(ErrorCode::checkpoint_mismatch, {file.path(), 0, 0},
                                          fmt::format("'{}' is not in the file", stored));
    finding.expected = fmt::format("a tensor of shape {} for '{}'", shape.text(), name);
    finding.suggestion = nearest_name(stored, there);
  } else if (!file.has_shape(stored, shape)) {
    Diagnostic& finding = diagnostics.add(ErrorCode::checkpoint_mismatch, {file.path(), 0, 0},
                                          fmt::format("'{}' has a different shape", stored));
    finding.got = entry->second.text();
    finding.expected = shape.text();
  }
}

std::vector<std::string> names_in(const SafetensorsFile& file) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : file.entries()) names.push_back(name);
  return names;
}

}  // namespace

TextMap CheckpointInfo::to_metadata() const {
  TextMap fields = {{"format", std::string(kCheckpointFormat)},
                    {"version", LOOM_VERSION},
                    {"step", fmt::format("{}", step)},
                    {"seed", fmt::format("{}", seed)},
                    {"lanes", fmt::format("{}", lanes)},
                    {"shard", fmt::format("{}", shard)},
                    {"batch", fmt::format("{}", batch)},
                    {"algorithms", algorithms},
                    {"precision", precision},
                    {"sums", sums},
                    {"arithmetic", fmt::format("{}", arithmetic)},
                    {"isa", isa},
                    {"data_position", fmt::format("{}", (step - data_from) * batch)},
                    {"data_hash", data_hash},
                    {"document_hash", document_hash},
                    {"data_card", data_card},
                    {"best_value", best_value ? fmt::format("{}", *best_value) : ""},
                    {"best_step", fmt::format("{}", best_step)},
                    {"best_of", best_of},
                    {"evaluations_without_improvement", fmt::format("{}", evaluations_without_improvement)},
                    {"optimizer_updates", nlohmann::json(optimizer_updates).dump()},
                    {"optimizer_starts", nlohmann::json(optimizer_starts).dump()},
                    {"average_updates", fmt::format("{}", average_updates)},
                    {"guard", guard_to_json(guard).dump()}};
  if (data_from > 0) fields["data_from"] = fmt::format("{}", data_from);
  if (evaluation_pending) fields["evaluation"] = kPending;
  return fields;
}

CheckpointInfo CheckpointInfo::from_metadata(const TextMap& metadata, const std::string& file) {
  const Metadata fields(metadata, file);
  if (fields.text("format") != kCheckpointFormat)
    wrong_field(fields.source(), "format", "'" + fields.text("format") + "'", fmt::format("'{}'", kCheckpointFormat));
  CheckpointInfo info;
  info.step = fields.integer("step", 0, kMaxSteps);
  info.seed = fields.natural("seed");
  info.lanes = static_cast<int>(fields.integer("lanes", 1, kMaxLanes));
  info.shard = fields.integer("shard", 1, kMaxBatch);
  info.batch = fields.integer("batch", 1, kMaxBatch);
  info.algorithms = fields.has("algorithms") ? fields.text("algorithms") : recorded_algorithms("direct");
  if (fields.has("precision")) info.precision = fields.text("precision");
  info.sums = fields.has("sums") ? fields.text("sums") : unrecorded_sums(info.lanes);
  if (fields.has("arithmetic")) info.arithmetic = static_cast<int>(fields.integer("arithmetic", 1, INT_MAX));
  if (fields.has("isa")) info.isa = fields.text("isa");
  info.data_hash = fields.text("data_hash");
  info.document_hash = fields.text("document_hash");
  if (fields.has("data_card")) info.data_card = fields.text("data_card");
  if (fields.has("best_of")) info.best_of = fields.text("best_of");
  if (!fields.text("best_value").empty()) info.best_value = fields.number("best_value");
  info.best_step = fields.integer("best_step", 0, kMaxSteps);
  if (fields.has("data_from")) info.data_from = fields.integer("data_from", 0, info.step);
  if (fields.has("evaluation")) info.evaluation_pending = fields.text("evaluation") == kPending;
  info.evaluations_without_improvement = fields.integer("evaluations_without_improvement", 0, kMost);
  const nlohmann::json updates = fields.json("optimizer_updates");
  info.optimizer_updates = counts_from({updates, fields.source(), "optimizer_updates"});
  if (fields.has("optimizer_starts")) {  // files of older versions have none
    const nlohmann::json starts = fields.json("optimizer_starts");
    for (const auto& [objective, counts] : JsonField(starts, fields.source(), "optimizer_starts").members())
      info.optimizer_starts[objective] = counts_from(counts);
  }
  info.average_updates = fields.integer("average_updates", 0, kMost);
  const nlohmann::json guard = fields.json("guard");
  info.guard = guard_from({guard, fields.source(), "guard"});
  return info;
}

CheckpointInfo read_checkpoint(const std::string& path, std::span<const NamedTensor> expected) {
  const SafetensorsFile file(path);
  file.verify();
  CheckpointInfo info = CheckpointInfo::from_metadata(file.metadata(), path);
  Diagnostics diagnostics;
  const std::vector<std::string> there = names_in(file);
  const std::vector<std::string> wanted = names_of(expected);
  const std::set<std::string> known(wanted.begin(), wanted.end());
  for (const NamedTensor& tensor : expected)
    check_one(file, tensor.name, tensor.name, tensor.view.shape(), there, diagnostics);
  for (const auto& [name, entry] : file.entries()) {
    if (known.count(name) > 0) continue;
    Diagnostic& finding = diagnostics.add(ErrorCode::checkpoint_mismatch, {path, 0, 0},
                                          fmt::format("the graph does not have '{}'", name));
    finding.got = entry.text();
    finding.suggestion = nearest_name(name, wanted);
  }
  diagnostics.throw_if_any();
  for (const NamedTensor& tensor : expected) file.read(tensor.name, tensor.view);
  return info;
}

void load_weights(const std::string& path, ParameterStore& store, const WeightOptions& options) {
  const SafetensorsFile file(path);
  file.verify();
  Diagnostics diagnostics;
  const std::vector<std::string> there = names_in(file);
  std::vector<NamedTensor> plan;
  for (Parameter& item : store.items()) {
    if (!item.path.starts_with(options.prefix)) continue;
    std::string stored = item.path.substr(options.prefix.size());
    if (options.averages && file.entries().count("average/" + stored) > 0) stored = "average/" + stored;
    check_one(file, stored, item.path, item.value.shape(), there, diagnostics);
    plan.push_back({std::move(stored), item.value.view()});
  }
  diagnostics.throw_if_any();
  for (const NamedTensor& tensor : plan) file.read(tensor.name, tensor.view);
  store.touch();
  const auto step = file.metadata().find("step");
  const bool whole = options.prefix.empty() && step != file.metadata().end();
  if (whole) store.set_step(std::max<std::int64_t>(1, CheckpointInfo::from_metadata(file.metadata(), path).step) - 1);
}

}  // namespace loom
