#include "train/checkpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "loom/abi.h"
#include "loom/error.h"

namespace loom {
namespace {

constexpr std::string_view kFormat = "latentloom checkpoint 1";

nlohmann::json guard_to_json(const GuardState& guard) {
  nlohmann::json json = {{"skipped", guard.skipped}, {"in_row", guard.in_row}, {"norms", nlohmann::json::array()}};
  for (const GuardState::Running& norm : guard.norms)
    json["norms"].push_back({{"mean", norm.mean}, {"count", norm.count}});
  return json;
}

GuardState guard_from_json(const nlohmann::json& json) {
  GuardState guard;
  guard.skipped = json.at("skipped").get<std::int64_t>();
  guard.in_row = json.at("in_row").get<std::int64_t>();
  for (const nlohmann::json& norm : json.at("norms"))
    guard.norms.push_back({norm.at("mean").get<double>(), norm.at("count").get<std::int64_t>()});
  return guard;
}

template <class T>
T parse_number(const std::string& text, const std::string& key) {
  T value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc() || end != text.data() + text.size())
    throw std::runtime_error(fmt::format("metadata '{}' is no number: '{}'", key, text));
  return value;
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
                                          fmt::format("'{}' has another shape", stored));
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
  return {{"format", std::string(kFormat)},
          {"version", LOOM_VERSION},
          {"step", fmt::format("{}", step)},
          {"seed", fmt::format("{}", seed)},
          {"lanes", fmt::format("{}", lanes)},
          {"shard", fmt::format("{}", shard)},
          {"batch", fmt::format("{}", batch)},
          {"data_position", fmt::format("{}", step * batch)},
          {"data_hash", data_hash},
          {"document_hash", document_hash},
          {"best_value", best_value ? fmt::format("{}", *best_value) : ""},
          {"best_step", fmt::format("{}", best_step)},
          {"evaluations_without_improvement", fmt::format("{}", evaluations_without_improvement)},
          {"optimizer_updates", nlohmann::json(optimizer_updates).dump()},
          {"optimizer_starts", nlohmann::json(optimizer_starts).dump()},
          {"average_updates", fmt::format("{}", average_updates)},
          {"guard", guard_to_json(guard).dump()}};
}

CheckpointInfo CheckpointInfo::from_metadata(const TextMap& metadata, const std::string& file) {
  const auto text = [&](const std::string& key) -> const std::string& {
    const auto it = metadata.find(key);
    if (it == metadata.end()) throw std::runtime_error(fmt::format("metadata '{}' is missing", key));
    return it->second;
  };
  const auto integer = [&](const std::string& key) { return parse_number<std::int64_t>(text(key), key); };
  try {
    if (text("format") != kFormat)
      throw std::runtime_error(fmt::format("the format is '{}' and not '{}'", text("format"), kFormat));
    CheckpointInfo info;
    info.step = integer("step");
    info.seed = parse_number<std::uint64_t>(text("seed"), "seed");
    info.lanes = parse_number<int>(text("lanes"), "lanes");
    info.shard = integer("shard");
    info.batch = integer("batch");
    info.data_hash = text("data_hash");
    info.document_hash = text("document_hash");
    if (!text("best_value").empty()) info.best_value = parse_number<double>(text("best_value"), "best_value");
    info.best_step = integer("best_step");
    info.evaluations_without_improvement = integer("evaluations_without_improvement");
    info.optimizer_updates =
        nlohmann::json::parse(text("optimizer_updates")).get<std::map<std::string, std::int64_t>>();
    if (metadata.contains("optimizer_starts"))  // files of older versions have none
      info.optimizer_starts = nlohmann::json::parse(text("optimizer_starts")).get<decltype(info.optimizer_starts)>();
    info.average_updates = integer("average_updates");
    info.guard = guard_from_json(nlohmann::json::parse(text("guard")));
    return info;
  } catch (const std::exception& problem) {
    Diagnostic finding;
    finding.code = ErrorCode::checkpoint_mismatch;
    finding.where = {file, 0, 0};
    finding.message = fmt::format("not a checkpoint that training can go on from: {}", problem.what());
    throw Error(std::move(finding));
  }
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
                                          fmt::format("the graph has no place for '{}'", name));
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
}

}  // namespace loom
