#include "train/stored_column.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "io/json_fields.h"
#include "loom/abi.h"
#include "loom/dataset.h"

namespace loom {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kFrontFormat = "front 1";  // part of all keys: a change makes every file stale
constexpr std::chrono::minutes kAbandoned{10};        // age at which a temporary file counts as abandoned

std::uint32_t checksum_of(std::span<const std::byte> bytes, std::uint32_t before) {
  return static_cast<std::uint32_t>(crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

Shape whole_shape(const ColumnRequest& request, std::int64_t items) {
  Shape shape{items};
  for (const std::int64_t extent : request.event.extents()) shape.push_back(extent);
  return shape;
}

// "vq/quantizer.codes" as part of a file name.
std::string file_part(std::string text) {
  std::ranges::replace(text, '/', '_');
  return text;
}

void add_parameters(const std::vector<GraphParameter>& parameters, const ParameterStore& store, ContentHash& hash) {
  for (const GraphParameter& parameter : parameters) {
    const TensorView value = store.at(store.find(parameter.path)).value.view();
    hash.add(value.shape().text());
    hash.add({static_cast<const std::byte*>(value.raw()), value.bytes()});
  }
}

void add_node(const Graph& graph, const GraphNode& node, const ParameterStore& store, ContentHash& hash) {
  hash.add(node.path);
  hash.add(node.type->name);
  for (const auto& [name, value] : node.options.values()) {
    hash.add(name);
    hash.add(value.text());
  }
  for (const Port& input : node.inputs)
    hash.add(input.valid() ? graph.name_of(graph.effective(input, false)) : std::string("-"));
  add_parameters(node.parameters, store, hash);
  add_parameters(node.states, store, hash);
}

// Empty if it cannot be read.
Json described(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return Json::object();
  try {
    return parse_json(read_text_file(path), {path, "not the description of a column"});
  } catch (const std::exception&) {
    return Json::object();
  }
}

}  // namespace

DataIdentity::DataIdentity(const DataEntry& entry, const DataSource& source)
    : split_(source.split().empty() ? "all" : source.split()) {
  ContentHash hash;
  hash.add(entry.type);
  for (const auto& [name, option] : with_absolute_paths(entry).options) {
    if (name == "split" || option.value.empty()) continue;
    hash.add(name);
    hash.add(option.value.text());
  }
  hash.add(split_);
  hash.add(source.hash());
  hash.add(source.size());
  hash_ = hash.text();
}

std::string DataIdentity::key_of(const Graph& graph, const ParameterStore& store, Port port) const {
  std::set<int> nodes;
  std::vector<int> open = {port.node};
  while (!open.empty()) {
    const int index = open.back();
    open.pop_back();
    if (!nodes.insert(index).second) continue;
    for (const Port& input : graph.node(index).inputs) {
      if (input.valid()) open.push_back(graph.effective(input, false).node);
    }
  }
  ContentHash hash;
  hash.add(kFrontFormat);
  hash.add(std::string_view(LOOM_VERSION));
  hash.add(hash_);
  hash.add(graph.name_of(port));
  for (const int index : nodes) add_node(graph, graph.node(index), store, hash);
  return hash.text();
}

std::string DataIdentity::key_of(const ColumnRequest& column) const {
  ContentHash hash;
  hash.add(kFrontFormat);
  hash.add(hash_);
  hash.add(column.column);
  hash.add(column.event.text());
  return hash.text();
}

std::span<const std::byte> StoredColumn::item(std::int64_t index) const {
  const std::size_t bytes = static_cast<std::size_t>(header.per_item()) * header.value_bytes();
  return file.bytes().subspan(header.start + static_cast<std::size_t>(index) * bytes, bytes);
}

StoredFiles::StoredFiles(const std::string& folder, const DataIdentity& data, ColumnRequest request, std::string key)
    : folder_(folder),
      prefix_(fmt::format("{}.{}.", file_part(data.split()), file_part(request.column))),
      path_(fmt::format("{}/{}{}.npy", folder, prefix_, key)),
      key_(std::move(key)),
      data_(data.hash()),
      request_(std::move(request)) {}

std::optional<StoredColumn> StoredFiles::open(std::int64_t items) const {
  std::error_code ignored;
  if (!fs::exists(path_ + ".json", ignored)) return std::nullopt;
  const Json about = described(path_ + ".json");
  std::string problem;
  try {
    StoredColumn stored;
    stored.column = {request_.column, request_.dtype, request_.event};
    stored.file = MappedFile(path_);
    stored.header = read_npy_header(stored.file.bytes(), path_);
    const bool fits = std::ranges::equal(stored.header.extents, whole_shape(request_, items).extents()) &&
                      stored.header.type_name() == (request_.dtype == DType::f32 ? "<f4" : "<i4") &&
                      !stored.header.fortran_order;
    const bool whole = about.at("checksum").get<std::uint32_t>() == checksum_of(stored.file.bytes(), 0);
    if (fits && whole) return stored;
    problem = fits ? "its checksum does not match its content" : "it has a different shape";
  } catch (const std::exception& error) {
    problem = error.what();
  }
  spdlog::warn("{} is corrupt and is made again: {}", path_, problem);
  fs::remove(path_ + ".json", ignored);
  return std::nullopt;
}

void StoredFiles::describe(std::uint32_t checksum) const {
  const Json about = {{"key", key_}, {"column", request_.column}, {"data", data_}, {"checksum", checksum}};
  write_text_file(path_ + ".json", about.dump(2) + "\n");
}

void StoredFiles::remove_stale() const {
  std::error_code ignored;
  std::vector<fs::path> stale;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix_) || name.starts_with(fs::path(path_).filename().string())) continue;
    if (entry.path().extension() == ".npy" && described(entry.path().string() + ".json").value("data", "") == data_)
      stale.push_back(entry.path());
    const bool abandoned = fs::last_write_time(entry.path(), ignored) + kAbandoned < fs::file_time_type::clock::now();
    if (entry.path().extension() == ".tmp" && abandoned) stale.push_back(entry.path());
  }
  for (const fs::path& path : stale) {
    fs::remove(path.string() + ".json", ignored);  // first: without it the other file is not read
    fs::remove(path, ignored);
    if (path.extension() == ".npy")
      spdlog::info("removed {}, which was made with other weights", path.filename().string());
  }
}

StoredWriter::StoredWriter(const StoredFiles& files, std::int64_t items) : files_(&files) {
  std::error_code problem;
  const std::string folder = fs::path(files.path()).parent_path().string();
  fs::create_directories(folder, problem);
  if (problem) throw Error(ErrorCode::write_failed, fmt::format("cannot create {}: {}", folder, problem.message()));
  file_ = std::make_unique<AtomicFile>(files.path());
  const std::string header = npy_header(files.request().dtype, whole_shape(files.request(), items));
  file_->write(header);
  checksum_ = checksum_of(std::as_bytes(std::span(header)), 0);
}

void StoredWriter::add(const TensorView& rows) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(rows.raw()), rows.bytes());
  file_->write(bytes);
  checksum_ = checksum_of(bytes, checksum_);
}

void StoredWriter::commit() {
  file_->commit();
  files_->describe(checksum_);
}

}  // namespace loom
