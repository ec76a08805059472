// Compares what two programs computed, for same_bits.sh:
//   same-values OLD.safetensors NEW.safetensors     two checkpoints
//   same-values OLD.json NEW.json                   two answers of eval --json
// Prints what was compared ("12 tensors, 13 counters") and ends with 0, or prints what differs and ends with 1.
//
// Of checkpoints: the same tensors, each with the same type, shape and bytes; and each metadata entry of OLD but for
// kTexts, with the same text in NEW. Of JSON: each value of OLD but for kPaths, with the same text in NEW; numbers are
// compared as they were written, not as what they round to. NEW may have further metadata entries and values.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;
using Texts = std::map<std::string, std::string>;
using Findings = std::vector<std::string>;

// The wording of a document, the version and hashes are no results; that of the data is compared where eval prints it.
const std::set<std::string> kTexts = {"format", "version", "document_hash", "data_hash", "checksum"};
const std::set<std::string> kPaths = {"/weights"};  // of eval --json: a file
constexpr std::size_t kShown = 3;                   // findings that are printed

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + " cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Checkpoint {
  std::string data;
  Json tensors;
  Texts metadata;
};

Checkpoint read_checkpoint(const std::string& path) {
  const std::string bytes = read(path);
  std::uint64_t length = 0;  // little endian, as is every machine that this is built for
  if (bytes.size() < sizeof length) throw std::runtime_error(path + " is no safetensors file");
  std::memcpy(&length, bytes.data(), sizeof length);
  Checkpoint result{bytes.substr(sizeof length + length), Json::parse(bytes.substr(sizeof length, length)), {}};
  if (result.tensors.contains("__metadata__")) result.metadata = result.tensors["__metadata__"].get<Texts>();
  result.tensors.erase("__metadata__");
  return result;
}

std::string bytes_of(const Checkpoint& checkpoint, const Json& tensor) {
  const auto begin = tensor.at("data_offsets").at(0).get<std::size_t>();
  const auto end = tensor.at("data_offsets").at(1).get<std::size_t>();
  if (begin > end || end > checkpoint.data.size()) throw std::runtime_error("a tensor ends behind the file");
  return checkpoint.data.substr(begin, end - begin);
}

// "3 of 256 words differ, the first at 17: 0x3f800000 and 0x3f800001"; words of four bytes: F32 and I32.
std::string difference(const std::string& old_bytes, const std::string& new_bytes) {
  const auto word = [](const std::string& bytes, std::size_t i) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + 4 * i, std::min<std::size_t>(4, bytes.size() - 4 * i));
    return value;
  };
  const std::size_t count = (old_bytes.size() + 3) / 4;
  std::size_t different = 0, first = 0;
  for (std::size_t i = count; i-- > 0;) {
    if (word(old_bytes, i) == word(new_bytes, i)) continue;
    ++different;
    first = i;
  }
  char text[120];
  std::snprintf(text, sizeof text, "%zu of %zu words differ, the first at %zu: 0x%08x and 0x%08x", different, count,
                first, word(old_bytes, first), word(new_bytes, first));
  return text;
}

void compare_tensors(const Checkpoint& old_one, const Checkpoint& new_one, Findings& findings) {
  for (const auto& [name, tensor] : old_one.tensors.items()) {
    if (!new_one.tensors.contains(name)) {
      findings.push_back("tensor " + name + " is missing");
      continue;
    }
    const Json& other = new_one.tensors[name];
    if (tensor.at("dtype") != other.at("dtype") || tensor.at("shape") != other.at("shape")) {
      findings.push_back("tensor " + name + " has another type or shape");
      continue;
    }
    const std::string old_bytes = bytes_of(old_one, tensor), new_bytes = bytes_of(new_one, other);
    if (old_bytes != new_bytes) findings.push_back("tensor " + name + ": " + difference(old_bytes, new_bytes));
  }
  for (const auto& [name, tensor] : new_one.tensors.items())
    if (!old_one.tensors.contains(name)) findings.push_back("tensor " + name + " is new");
}

// Returns how many were compared.
std::size_t compare_texts(const Texts& old_texts, const Texts& new_texts, const std::set<std::string>& left_out,
                          Findings& findings) {
  std::size_t compared = 0;
  for (const auto& [name, text] : old_texts) {
    if (left_out.contains(name)) continue;
    ++compared;
    const auto other = new_texts.find(name);
    if (other == new_texts.end())
      findings.push_back(name + " is missing");
    else if (other->second != text)
      findings.push_back(name + ": " + text + " and " + other->second);
  }
  return compared;
}

// The values of a JSON text by their pointers, numbers as they were written; of an array its length, too.
class Leaves final : public nlohmann::json_sax<Json> {
 public:
  Texts texts;

  bool null() override { return add("null"); }
  bool boolean(bool value) override { return add(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return add(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return add(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return add(written); }
  bool string(string_t& value) override { return add('"' + value + '"'); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(kObject); }
  bool key(string_t& name) override { return (keys_.back() = name, true); }
  bool end_object() override { return (close(), next()); }
  bool start_array(std::size_t) override { return open(0); }
  bool end_array() override { return add(std::to_string(close()) + " elements"); }
  bool parse_error(std::size_t, const std::string&, const Json::exception& problem) override {
    throw std::runtime_error(problem.what());
  }

 private:
  static constexpr int kObject = -1;

  bool open(int index) {
    keys_.emplace_back();
    indices_.push_back(index);
    return true;
  }
  int close() {
    const int index = indices_.back();
    keys_.pop_back();
    indices_.pop_back();
    return index;
  }
  bool add(const std::string& text) {
    std::string pointer;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      pointer += "/" + (indices_[i] == kObject ? keys_[i] : std::to_string(indices_[i]));
    texts[pointer] = text;
    return next();
  }
  bool next() {
    if (!indices_.empty() && indices_.back() != kObject) ++indices_.back();
    return true;
  }

  std::vector<std::string> keys_;  // of the open objects and arrays
  std::vector<int> indices_;       // in the open arrays
};

Texts leaves_of(const std::string& path) {
  Leaves leaves;
  Json::sax_parse(read(path), &leaves);
  return leaves.texts;
}

std::string compare(const std::string& old_path, const std::string& new_path, Findings& findings) {
  if (!old_path.ends_with(".safetensors"))
    return std::to_string(compare_texts(leaves_of(old_path), leaves_of(new_path), kPaths, findings)) + " values";
  const Checkpoint old_one = read_checkpoint(old_path), new_one = read_checkpoint(new_path);
  compare_tensors(old_one, new_one, findings);
  const std::size_t counters = compare_texts(old_one.metadata, new_one.metadata, kTexts, findings);
  return std::to_string(old_one.tensors.size()) + " tensors, " + std::to_string(counters) + " counters";
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  try {
    Findings findings;
    const std::string compared = compare(arguments[1], arguments[2], findings);
    if (findings.empty()) std::cout << compared << "\n";
    for (std::size_t i = 0; i < std::min(findings.size(), kShown); ++i) std::cout << findings[i] << "\n";
    if (findings.size() > kShown) std::cout << "and " << findings.size() - kShown << " more\n";
    return findings.empty() ? 0 : 1;
  } catch (const std::exception& problem) {
    std::cout << problem.what() << "\n";
    return 2;
  }
}
