#include "data/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <optional>

#include "data/validation_split.h"
#include "graph/check_options.h"
#include "loom/dataset.h"
#include "loom/random.h"

namespace loom {
namespace {

// The type that reads what people call so: an ending of files, a program, a data set.
std::string type_for(const std::string& word) {
  static const std::map<std::string, std::vector<std::string>> kWords = {
      {"table", {"csv", "tsv", "excel", "pandas", "dataframe"}},
      {"images", {"folder", "png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "pictures", "photos"}},
      {"audio", {"wav", "flac", "mp3", "ogg", "sound", "sounds", "speech", "recordings"}},
      {"npy", {"npz", "numpy", "array", "arrays"}},
      {"idx", {"mnist", "fashion-mnist", "fashion_mnist"}},
      {"text", {"txt", "words"}}};
  for (const auto& [type, words] : kWords) {
    if (std::ranges::find(words, word) != words.end()) return type;
  }
  return "";
}

std::shared_ptr<const DatasetType> find_type(const Registry& registry, const DataEntry& entry) {
  if (auto type = registry.dataset(entry.type)) return type;
  const std::vector<std::string> names = registry.dataset_names();
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.where = entry.type_where.known() ? entry.type_where : entry.where;
  finding.message =
      entry.type.empty() ? "the data has no type" : fmt::format("there is no data set type '{}'", entry.type);
  finding.got = entry.type;
  finding.suggestion = type_for(entry.type);
  if (!registry.dataset(finding.suggestion)) finding.suggestion = nearest_name(entry.type, names);
  finding.expected = "one of " + joined(names);
  throw Error(std::move(finding));
}

// Adds the options of every data set to those of this one. If the data set declares a `seed`, it serves both.
Contract with_common_options(Contract contract) {
  const std::vector<std::string> own = contract.option_names();
  const auto add = [&](const char* name, OptionValue value, Constraint constraint, const char* doc,
                       const char* unit = "") {
    if (std::ranges::find(own, name) == own.end())
      contract.option(name, std::move(value), std::move(constraint), doc, unit);
  };
  add("binarize", "none", text({"none", "fixed", "dynamic"}), "draw each value of x as 0 or 1, once or at every read");
  add("flip", "none", text({"none", "horizontal"}), "pictures of a training batch are mirrored at random");
  add("shift", 0, integer().at_least(0),
      "pictures of a training batch are moved at random by up to so many pixels, with their edges repeated", "pixels");
  add("normalize", "none", text({"none", "dataset"}),
      "dataset: every column of numbers becomes (value - mean) / deviation, measured feature by feature of the last "
      "axis "
      "on the training split");
  add("normalize_mean", {}, number().or_list(), "subtracted from x: one number, or one per channel");
  add("normalize_std", {}, positive().or_list(), "divides x: one number, or one per channel");
  if (takes_test_path(contract))
    contract.option("test", "", text(), "a folder whose items are the test split; `path` is train");
  add("validation", 0, integer().at_least(0).or_text({}),
      "one of this many items of train is held out to choose the best model, whole files where there are several; or "
      "the path of the items for it; 0: a folder named so chooses, or test");
  add("limit", 0, integer().at_least(0), "only the first n items; 0: all");
  add("seed", 1, integer().at_least(0), "seed of the random draws");
  return contract;
}

Options checked_options(const DatasetType& type, const DataEntry& entry) {
  Diagnostics diagnostics;
  Options options =
      check_options(with_common_options(type.contract), entry.options, entry.where, entry.type, diagnostics);
  diagnostics.throw_if_any();
  return options;
}

// Errors of a data set about its files have no position in the document: add the position of the data entry.
std::unique_ptr<Dataset> create(const DatasetType& type, const Options& options, const Location& where) {
  try {
    return type.create(options);
  } catch (const Error& error) {
    std::vector<Diagnostic> findings = error.diagnostics();
    for (Diagnostic& finding : findings) {
      if (!finding.where.known()) finding.where = where;
    }
    throw Error(std::move(findings));
  }
}

Error no_items(const DataSource& source, const DataEntry& entry, const Options& options) {
  Diagnostic finding;
  finding.code = ErrorCode::data_empty;
  finding.where = entry.where;
  const std::string& split = source.split();
  if (split == "test" && options.has("holdout")) finding.hint = "the option holdout decides how many items test has";
  finding.message = fmt::format("[{}] there are no items{}", source.name(),
                                split.empty() ? "" : fmt::format(" in the split '{}'", split));
  return Error(std::move(finding));
}

Error no_validation(const DataEntry& entry) {
  Diagnostic finding;
  finding.code = ErrorCode::data_specification;
  finding.where = entry.where;
  finding.message = fmt::format("[{}] the data have no validation split", entry.type);
  finding.hint = "validation: 10 holds out one of 10 training items; validation: PATH names them";
  return Error(std::move(finding));
}

// Sounds of another rate would be other sounds to the run.
void require_rate(const Dataset& data, const DataCard& card, const DataEntry& entry) {
  const std::int64_t rate = data.sample_rate();
  if (rate == 0 || card.sample_rate == 0 || rate == card.sample_rate) return;
  Diagnostic finding;
  finding.code = ErrorCode::data_shape;
  finding.where = entry.where;
  finding.message = fmt::format("[{}] the sounds have another rate than those that the run was trained on", entry.type);
  finding.got = fmt::format("{} Hz", rate);
  finding.expected = fmt::format("{} Hz", card.sample_rate);
  finding.hint = fmt::format("resample=true,rate={} converts them as they are read", card.sample_rate);
  throw Error(std::move(finding));
}

}  // namespace

std::string_view name_of(ColumnRole role) {
  static constexpr std::array<std::string_view, 6> kNames = {"data", "label", "condition", "mask", "factor", "weight"};
  return kNames[static_cast<std::size_t>(role)];
}

void check_data(const Registry& registry, const DataEntry& entry, Diagnostics& diagnostics) {
  try {
    checked_options(*find_type(registry, entry), entry);
  } catch (const Error& error) {
    diagnostics.add(error);
  }
}

DataSource::DataSource(const Registry& registry, const DataEntry& given, const DataCard* card)
    : type_(find_type(registry, given)), name_(given.type) {
  // A split with files of its own is read as train, which settles classes, sizes and rates.
  const bool own_path = has_own_path(given, type_->contract);
  std::optional<DataCard> of_train;
  if (own_path && card == nullptr) card = &of_train.emplace(DataSource(registry, with_split(given, "train")).card());
  const DataEntry asked = own_path ? with_card(registry, given, *card) : given;
  const auto split = asked.options.find("split");
  const bool validation = split != asked.options.end() && split->second.value.text() == kValidation;
  const bool by_option = validation && loom::has_validation(asked);
  if (validation && !by_option && !knows_validation(type_->contract)) throw no_validation(asked);
  const DataEntry entry = entry_of_split(asked, type_->contract);
  const Options options = checked_options(*type_, entry);
  dataset_ = create(*type_, options, entry.where);
  has_validation_ = loom::has_validation(asked) || dataset_->has_validation();
  stored_columns_ = dataset_->columns().size();
  if (options.has("split"))
    split_ = split != asked.options.end()      ? split->second.value.text()
             : entry.options.contains("split") ? "train"
                                               : options.text("split");
  choose_items(asked, by_option, options.integer("limit"));
  if (size_ == 0) throw no_items(*this, entry, options);
  if (card != nullptr) require_rate(*dataset_, *card, entry);
  preparation_ = Preparation(dataset_->columns(), options, entry, card,
                             [&](std::span<const std::size_t> columns) { return measure_train(asked, columns); });
  if (options.text("binarize") != "none") require_unit_interval(entry.where);
  options_ = lasting_options(asked);
  for (const auto& [name, value] : dataset_->settled_options()) options_[name] = value;
}

// Of train without what is held out for validation, or of validation.
void DataSource::choose_items(const DataEntry& entry, bool validation, std::int64_t limit) {
  const auto option = entry.options.find(kValidation);
  const auto* each = option == entry.options.end() ? nullptr : std::get_if<std::int64_t>(&option->second.value);
  size_ = dataset_->size();
  if (each != nullptr && *each > 0 && (validation || split_ == "train")) {
    items_ = validation_items(*dataset_, *each, validation);
    size_ = static_cast<std::int64_t>(items_.size());
  }
  if (limit > 0) size_ = std::min(size_, limit);
}

std::vector<ColumnStatistics> DataSource::measure_train(const DataEntry& entry,
                                                        std::span<const std::size_t> columns) const {
  if (split_.empty() || split_ == "train") return measure_columns(*dataset_, items_, size_, columns);
  DataSource train(name_, "train", nullptr);
  const DataEntry other = with_split(entry, "train");
  const Options options = checked_options(*type_, entry_of_split(other, type_->contract));
  train.dataset_ = create(*type_, options, entry.where);
  train.choose_items(other, false, options.integer("limit"));
  return train.measure_train(other, columns);
}

std::vector<std::string> DataSource::notices() const {
  std::vector<std::string> notices = dataset_->notices();
  if (!items_.empty() && split_ == "train") {
    const std::int64_t all = dataset_->size();
    notices.push_back(fmt::format("{} of {} training items are held out for validation",
                                  all - static_cast<std::int64_t>(items_.size()), all));
  }
  return notices;
}

std::string DataSource::hash() const {
  const std::lock_guard lock(mutex_);
  if (!hash_.empty()) return hash_;
  hash_ = dataset_->hash();
  if (items_.empty()) return hash_;
  ContentHash hash;
  hash.add(hash_);
  hash.add(split_);
  hash.add(size_);
  return hash_ = hash.text();
}

std::string DataSource::earlier_hash() const {
  const std::string earlier = items_.empty() ? dataset_->earlier_hash() : "";
  return earlier.empty() ? hash() : earlier;
}

DataSource::DataSource(std::string name, std::string split, std::unique_ptr<Dataset> dataset)
    : name_(std::move(name)), split_(std::move(split)), dataset_(std::move(dataset)) {
  if (!dataset_) return;
  stored_columns_ = dataset_->columns().size();
  size_ = dataset_->size();
  preparation_ = Preparation(dataset_->columns());
}

DataCard DataSource::card() const {
  return {.type = name_,
          .options = options_,
          .columns = preparation_.cards(),
          .sample_rate = sample_rate(),
          .items = {{split_.empty() ? "all" : split_, size_}},
          .hash = ""};
}

void DataSource::read(std::int64_t index, std::uint32_t draw, std::span<const TensorView> out, bool training) const {
  dataset_->read(place(index), out.first(stored_columns_));
  preparation_.apply(index, draw, out, training);
}

std::unique_ptr<Dataset> open_dataset(const Registry& registry, const std::string& type,
                                      const std::map<std::string, OptionValue>& options) {
  DataEntry entry;
  entry.type = type;
  for (const auto& [name, value] : options) entry.options[name] = {value, {}};
  const auto found = find_type(registry, entry);
  return create(*found, checked_options(*found, entry), entry.where);
}

Contract common_data_contract() { return with_common_options(Contract()); }

Contract data_contract(const Registry& registry, const std::string& type) {
  return with_common_options(registry.dataset(type)->contract);
}

DataEntry with_split(DataEntry entry, const std::string& split) {
  entry.options["split"].value = split;
  return entry;
}

DataEntry with_absolute_paths(DataEntry entry) {
  namespace fs = std::filesystem;
  for (auto& [name, option] : entry.options) {
    const std::string* text = std::get_if<std::string>(&option.value);
    std::error_code ignored;
    if (text == nullptr || (name != "path" && text->find_first_of("/.") == std::string::npos)) continue;
    if (fs::exists(*text, ignored)) option.value = fs::absolute(*text).lexically_normal().string();
  }
  return entry;
}

bool has_splits(const Registry& registry, const DataEntry& data) {
  const auto type = registry.dataset(data.type);
  return type && std::ranges::count(type->contract.option_names(), "split") > 0;
}

std::shared_ptr<const DataSource> open_split(const Registry& registry, const DataEntry& data, const std::string& split,
                                             const DataCard* card) {
  return std::make_shared<DataSource>(registry, has_splits(registry, data) ? with_split(data, split) : data, card);
}

bool same_data(const DataEntry& one, const DataEntry& other) {
  const auto same = [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.value.text() == b.second.value.text();
  };
  return one.type == other.type && std::ranges::equal(one.options, other.options, same);
}

}  // namespace loom
