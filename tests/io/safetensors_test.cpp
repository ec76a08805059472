// The safetensors format: round trips, hostile files, and writes that fail.
#include "io/safetensors.h"

#include <signal.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>

#include <fstream>

#include "io/atomic_file.h"
#include "loom/error.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

namespace {

struct Sample {
  Tensor weight{DType::f32, {2, 3}}, codes{DType::i32, {4}}, bytes{DType::u8, {3}};
  Sample() {
    for (int i = 0; i < 6; ++i) weight.values()[static_cast<std::size_t>(i)] = 0.1F * static_cast<float>(i);
    for (int i = 0; i < 4; ++i) codes.values<std::int32_t>()[static_cast<std::size_t>(i)] = -i;
    for (int i = 0; i < 3; ++i)
      bytes.values<std::uint8_t>()[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(200 + i);
  }
  std::vector<NamedTensor> tensors() const {
    return {{"conv/weight", weight.view()}, {"bytes", bytes.view()}, {"codes \"q\"", codes.view()}};
  }
};

std::string file_of(const std::string& header, const std::string& data) {
  std::string text(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) text[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return text + header + data;
}

void put(const std::string& file, const std::string& content) { std::ofstream(file, std::ios::binary) << content; }

// "" where the file is accepted, else the error; anything but an Error fails the test.
std::string problem_of(const std::string& file) {
  try {
    SafetensorsFile(file).verify();
    return "";
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::checkpoint_corrupt));
    return error.what();
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(safetensors)

BOOST_AUTO_TEST_CASE(what_is_written_is_read_back) {
  const ScratchFolder folder;
  const Sample sample;
  const std::string path = folder.file("a.safetensors");
  write_safetensors(path, sample.tensors(), {{"step", "12"}, {"odd", "\"checksum\":\"crc32:\" \n"}});
  const SafetensorsFile file(path);
  file.verify();
  BOOST_TEST(file.metadata().at("step") == "12");
  BOOST_TEST(file.metadata().at("odd") == "\"checksum\":\"crc32:\" \n");
  BOOST_TEST(file.entries().size() == 3U);
  BOOST_TEST(file.read("conv/weight").values()[5] == 0.5F);
  BOOST_TEST(file.read("codes \"q\"").values<std::int32_t>()[3] == -3);
  BOOST_TEST(file.read("bytes").values<std::uint8_t>()[2] == 202);
  Tensor wrong(DType::f32, {3, 2});
  BOOST_CHECK_EXCEPTION(file.read("conv/weight", wrong.view()), Error,
                        [](const Error& error) { return error.code() == ErrorCode::checkpoint_mismatch; });
  BOOST_TEST(folder.entries() == 1U);
}

BOOST_AUTO_TEST_CASE(files_of_others_are_read_and_converted) {
  const ScratchFolder folder;
  const std::string path = folder.file("b.safetensors");
  const std::string data = std::string("\x00\x3C\x00\xC0", 4) + std::string("\x80\x3F", 2) +
                           std::string("\0\0\0\0\0\0\xF8\x3F", 8) + std::string("\x07\0\0\0\0\0\0\0", 8);
  put(path,
      file_of(
          R"({"half":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"brain":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},)"
          R"("double":{"dtype":"F64","shape":[],"data_offsets":[6,14]},"long":{"dtype":"I64","shape":[1],"data_offsets":[14,22]}}  )",
          data));
  const SafetensorsFile file(path);
  file.verify();
  BOOST_TEST(!file.has_checksum());
  BOOST_TEST(file.read("half").values()[0] == 1.0F);
  BOOST_TEST(file.read("half").values()[1] == -2.0F);
  BOOST_TEST(file.read("brain").values()[0] == 1.0F);
  BOOST_TEST(file.read("double").values()[0] == 1.5F);
  BOOST_TEST(file.read("long").values<std::int32_t>()[0] == 7);
}

BOOST_AUTO_TEST_CASE(every_truncation_and_every_flipped_byte_is_found) {
  const ScratchFolder folder;
  const std::string path = folder.file("whole"), broken = folder.file("broken");
  write_safetensors(path, Sample().tensors(), {{"format", "latentloom checkpoint 1"}, {"step", "3"}});
  const std::string whole = read_text_file(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    put(broken, whole.substr(0, length));
    BOOST_TEST(!problem_of(broken).empty(), "cut at byte " << length);
  }
  put(broken, whole + '\0');
  BOOST_TEST(!problem_of(broken).empty());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int flip : {0x01, 0x20, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      put(broken, changed);
      BOOST_TEST(!problem_of(broken).empty(), "byte " << at << " flipped by " << flip);
    }
  }
}

BOOST_AUTO_TEST_CASE(hostile_headers_are_refused_with_a_reason) {
  const ScratchFolder folder;
  const std::string path = folder.file("hostile");
  const std::string nested(100'000, '[');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {file_of("", ""), "is not JSON"},
      {file_of("[1]", ""), "not a JSON object"},
      {file_of("{\"a\":" + nested, ""), "nested too deeply"},
      {std::string(8, '\xFF') + "{}", "the header is longer"},
      {file_of(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
           "1234"),
       "occurs twice"},
      {file_of(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
           "1234"),
       "overlaps"},
      {file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "12345678"), "a hole"},
      {file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "12345678"), "after the last tensor"},
      {file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}})", "1234"), "outside the file"},
      {file_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "1234"), "outside the file"},
      {file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234"), "does not match its shape"},
      {file_of(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", ""),
       "does not match its shape"},
      {file_of(R"({"a":{"dtype":"Q9","shape":[4],"data_offsets":[0,4]}})", "1234"), "does not match its shape"},
      {file_of(R"({"a":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}})", "1234"), "not described"},
      {file_of(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,4]}})", "1234"), "not described"},
      {file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0]}})", "1234"), "not described"},
      {file_of(R"({"a":7})", ""), "not described"},
      {file_of(R"({"__metadata__":[]})", ""), "not an object"},
      {file_of(R"({"__metadata__":{"a":1}})", ""), "not text"},
      {file_of(R"({"__metadata__":{"checksum":"crc32:0"}})", ""), "checksum has the wrong format"},
      {file_of(R"({"__metadata__":{"format":"latentloom checkpoint 1"}})", ""), "checksum is missing"},
  };
  for (const auto& [content, reason] : cases) {
    put(path, content);
    const std::string problem = problem_of(path);
    BOOST_TEST(problem.find(reason) != std::string::npos, "expected '" << reason << "', got: " << problem);
    BOOST_TEST(problem.find("at byte") != std::string::npos);
  }
  BOOST_CHECK_EXCEPTION(SafetensorsFile(folder.path()), Error,
                        [](const Error& error) { return error.code() == ErrorCode::read_failed; });
  BOOST_CHECK_EXCEPTION(SafetensorsFile(folder.file("none")), Error,
                        [](const Error& error) { return error.code() == ErrorCode::read_failed; });
}

BOOST_AUTO_TEST_CASE(a_failed_write_leaves_the_old_file_and_nothing_else) {
  const ScratchFolder folder;
  const std::string path = folder.file("a.safetensors");
  const Sample sample;
  write_safetensors(path, sample.tensors(), {{"step", "1"}});
  const Tensor large(DType::f32, {100'000});
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{10'000, old.rlim_max};  // bytes: as good as a full disk
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::vector<NamedTensor> tensors = {{"large", large.view()}};
  BOOST_CHECK_EXCEPTION(write_safetensors(path, tensors, {{"step", "2"}}), Error,
                        [](const Error& error) { return error.code() == ErrorCode::write_failed; });
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  BOOST_TEST(folder.entries() == 1U);
  const SafetensorsFile file(path);
  file.verify();
  BOOST_TEST(file.metadata().at("step") == "1");
  BOOST_CHECK_EXCEPTION(write_safetensors(folder.file("no/folder"), sample.tensors()), Error,
                        [](const Error& error) { return error.code() == ErrorCode::write_failed; });
}

BOOST_AUTO_TEST_CASE(links_and_leftovers) {
  const ScratchFolder folder;
  write_text_file(folder.file("a"), "one");
  link_or_copy(folder.file("a"), folder.file("best"));
  link_or_copy(folder.file("a"), folder.file("best"));  // again: the same file already
  write_text_file(folder.file("a"), "two");
  BOOST_TEST(read_text_file(folder.file("best")) == "one");
  put(folder.file("step-000002.safetensors.77.tmp"), "half");
  remove_temporaries(folder.path());
  BOOST_TEST(folder.entries() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
