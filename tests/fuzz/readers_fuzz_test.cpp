// Damaged files of every format through the readers: a value or an Error, no crash, in bounded time and memory. A header
// may lie about its sizes: what a reader takes is bounded by what was asked for (max_pixels, max_bytes, length) and by the
// size of the file.
//
// The files are mutations of small valid ones, the same in every run. LOOM_FUZZ in the environment is the number for each
// format (scripts/test.sh --fuzz: 10,000, under the address sanitizer; else 300). A mutation that fails is named by its
// number, and LOOM_FUZZ_FROM starts at it.
#include <zlib.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "io/npy.h"
#include "io/npz.h"
#include "io/wav.h"
#include "live_memory.h"
#include "loom/random.h"
#include "nodes/data/data_checks.h"

using namespace loom;
using namespace loom::check;

namespace {

constexpr double kSeconds = 60;         // for one file of 2^27 pixels, on a loaded machine
constexpr std::int64_t kMostItems = 4;  // that are read of a file
constexpr double kMostItemBytes = 1 << 18;
constexpr std::int64_t kMostPixels = 1 << 14, kMostBytes = 1 << 18;  // the options max_pixels and max_bytes
constexpr std::int64_t kEntries = 65535 * 32;  // bytes of libzip's table, for as many files as a header may tell of
constexpr std::int64_t kOwn = 512 << 10;       // bytes that a library takes for any file, and our tables of names

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

// Random numbers of one mutation.
class Chance {
 public:
  Chance(std::int64_t number, std::uint32_t stream) : stream_(static_cast<std::uint64_t>(number), stream, 0) {}
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : stream_.value(next_++) % limit; }

 private:
  RandomStream stream_;
  std::uint32_t next_ = 0;
};

// One to eight changes: bits, bytes, numbers at the edge of their type, cuts, repetitions.
std::string mutated(std::string bytes, Chance& chance) {
  static constexpr std::uint32_t edges[] = {0,      1,      0x7F,       0x80,       0xFF,      0x7FFF,
                                            0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};
  const std::size_t changes = 1 + chance.below(8);
  for (std::size_t i = 0; i < changes && !bytes.empty(); ++i) {
    // Headers decide more than what follows: half of the changes are in the first 64 bytes.
    const std::size_t at = chance.below(chance.below(2) == 0 ? std::min<std::size_t>(64, bytes.size()) : bytes.size());
    switch (chance.below(6)) {
      case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << chance.below(8))); break;
      case 1: bytes[at] = static_cast<char>(chance.below(256)); break;
      case 2: {
        const std::uint32_t edge = edges[chance.below(std::size(edges))];
        const bool big = chance.below(2) == 0;
        const std::size_t width = std::size_t{1} << chance.below(3);
        for (std::size_t k = 0; k < width && at + k < bytes.size(); ++k)
          bytes[at + k] = static_cast<char>(edge >> (8 * (big ? width - 1 - k : k)));
        break;
      }
      case 3: bytes.resize(at); break;
      case 4: bytes.insert(at, bytes.substr(at, 1 + chance.below(32))); break;
      default: bytes.erase(at, 1 + chance.below(16));
    }
  }
  return bytes;
}

// With the checksums that a PNG's chunks must have, so that the readers behind them are reached.
void repair_png(std::string& bytes) {
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const auto* chunk = reinterpret_cast<const unsigned char*>(bytes.data()) + at;
    const std::size_t size = static_cast<std::size_t>(chunk[0]) << 24U | static_cast<std::size_t>(chunk[1]) << 16U |
                             static_cast<std::size_t>(chunk[2]) << 8U | chunk[3];
    if (size > bytes.size() - at - 12) return;
    const auto sum = static_cast<std::uint32_t>(crc32(0, chunk + 4, static_cast<uInt>(size + 4)));
    for (std::size_t k = 0; k < 4; ++k) bytes[at + 8 + size + k] = static_cast<char>(sum >> (24 - 8 * k));
    at += size + 12;
  }
}

struct Format {
  std::string type, ending;
  OptionList options;
  bool folder = false;  // the data set takes a folder with the file in it
  std::vector<std::string> seeds = {};
  std::int64_t admitted = 0;  // bytes of values that may be read of a file, besides 8 for each of its own bytes
};

double item_bytes(const DataSource& source) {
  double bytes = 0;
  for (const Column& column : source.columns()) bytes += 4 * static_cast<double>(column.event.count());
  return bytes;
}

// Opens the file and reads its first items, unless they are larger than any that a file here may have. False for an Error.
bool read_file(const Format& format, const ScratchFolder& folder, const std::string& bytes) {
  const std::string path = folder.file("data/file" + format.ending);
  write_bytes(path, bytes);
  OptionList options = format.options;
  options.emplace_back("path", format.folder ? folder.file("data") : path);
  options.emplace_back("split", "all");
  try {
    const DataSource source = open_data(format.type, options);
    if (item_bytes(source) <= kMostItemBytes)
      for (std::int64_t i = 0; i < std::min(kMostItems, source.size()); ++i) Item(source, i);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void fuzz(Format format) {
  const ScratchFolder folder;
  std::filesystem::create_directories(folder.file("data"));
  for (const std::string& seed : format.seeds) BOOST_REQUIRE(read_file(format, folder, seed));
  const std::int64_t count = from_environment("LOOM_FUZZ", 300), first = from_environment("LOOM_FUZZ_FROM", 0);
  std::int64_t most = 0;
  std::int64_t values = 0;
  for (std::int64_t number = first; number < first + count; ++number) {
    Chance chance(number, stream_of(format.ending));
    std::string bytes = mutated(format.seeds[chance.below(format.seeds.size())], chance);
    if (format.ending == ".png" && chance.below(4) != 0) repair_png(bytes);
    const auto start = std::chrono::steady_clock::now();
    start_live_bytes();
    try {
      values += read_file(format, folder, bytes) ? 1 : 0;
    } catch (const std::exception& problem) {
      BOOST_ERROR(format.ending << " number " << number << ": " << problem.what());
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    BOOST_TEST(spent.count() < kSeconds, format.ending << " number " << number << ": " << spent.count() << " seconds");
    const std::int64_t taken = live_bytes_peak();
    const std::int64_t bound = kOwn + 4 * (format.admitted + 8 * static_cast<std::int64_t>(bytes.size()));
    BOOST_TEST(taken <= bound, format.ending << " number " << number << ": " << taken << " bytes of at most " << bound);
    most = std::max(most, taken);
  }
  BOOST_TEST_MESSAGE(
      format.type << " " << format.ending << ": " << count << " files, " << values << " read, "
                  << (counts_live_bytes() ? fmt::format("at most {} KiB", most >> 10) : "memory not counted"));
  BOOST_TEST(values < count);  // the mutations do reach the readers' checks
}

// Pictures of tests/golden/images.npz, whose names end so.
std::vector<std::string> pictures(const std::string& ending) {
  std::vector<std::string> files;
  for (const auto& [name, tensor] : read_npz(LOOM_SOURCE_DIR "/tests/golden/images.npz")) {
    if (!name.ends_with(ending + "/file")) continue;
    const auto bytes = tensor.values<std::uint8_t>();
    files.emplace_back(bytes.begin(), bytes.end());
  }
  BOOST_REQUIRE(!files.empty());
  return files;
}

Format pictures_of(const std::string& ending, std::vector<std::string> seeds) {
  return {"images", ending, {{"max_pixels", kMostPixels}}, true, std::move(seeds), 12 * kMostPixels};
}

std::string written(const std::string& name, const std::function<void(const std::string&)>& write) {
  const ScratchFolder folder;
  write(folder.file(name));
  return read_bytes(folder.file(name));
}

std::string array_of(DType dtype) {
  return written("a.npy", [&](const std::string& path) { write_npy(path, Tensor(dtype, {5, 3, 2})); });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(readers_fuzz)

BOOST_AUTO_TEST_CASE(png) { fuzz(pictures_of(".png", pictures(".png"))); }
BOOST_AUTO_TEST_CASE(jpeg) { fuzz(pictures_of(".jpg", pictures(".jpg"))); }
BOOST_AUTO_TEST_CASE(webp) { fuzz(pictures_of(".webp", pictures(".webp"))); }
BOOST_AUTO_TEST_CASE(bmp) { fuzz(pictures_of(".bmp", pictures(".bmp"))); }
BOOST_AUTO_TEST_CASE(tiff) { fuzz(pictures_of(".tif", pictures(".tif"))); }

BOOST_AUTO_TEST_CASE(wav) {
  std::vector<float> sound(400);
  for (std::size_t i = 0; i < sound.size(); ++i) sound[i] = static_cast<float>(i % 50) / 50;
  const std::string mono = written("s.wav", [&](const std::string& path) {
    write_wav(path, TensorView(DType::f32, {1, 400, 1}, sound.data()), 8000);
  });
  fuzz({"audio", ".wav", {{"length", 64}}, false, {mono}});
}

BOOST_AUTO_TEST_CASE(npy) { fuzz({"npy", ".npy", {}, false, {array_of(DType::f32), array_of(DType::i32)}}); }

BOOST_AUTO_TEST_CASE(npz) {
  const ScratchFolder folder;
  write_npy(folder.file("x"), Tensor(DType::f32, {6, 4}));
  write_npy(folder.file("l"), Tensor(DType::i32, {6}));
  write_npz(folder.file("a.npz"), {{"x", folder.file("x")}, {"label", folder.file("l")}});
  fuzz({"npy", ".npz", {}, false, {read_bytes(folder.file("a.npz"))}, kEntries / 4});
}

// A count matrix as scipy.sparse.save_npz writes it.
BOOST_AUTO_TEST_CASE(sparse) {
  const auto ints = [](std::vector<std::int32_t> values) {
    return written("a.npy", [&](const std::string& path) {
      write_npy(path, TensorView(DType::i32, {static_cast<std::int64_t>(values.size())}, values.data()));
    });
  };
  std::string format = "\x93NUMPY\x01";
  format += std::string("\0\x46\0", 3) + "{'descr': '|S3', 'fortran_order': False, 'shape': (), }";
  format.resize(79, ' ');
  format += "\ncsr";
  const ScratchFolder folder;
  const auto file = [&](const std::string& name, const std::string& bytes) {
    write_bytes(folder.file(name), bytes);
    return std::pair(name, folder.file(name));
  };
  write_npz(folder.file("a.npz"),
            {file("format", format), file("shape", ints({4, 3})), file("data", ints({2, 3, 4, 5})),
             file("indices", ints({1, 0, 2, 1})), file("indptr", ints({0, 1, 1, 3, 4}))});
  fuzz({"npy", ".npz", {}, false, {read_bytes(folder.file("a.npz"))}, kEntries / 4});
}

BOOST_AUTO_TEST_CASE(csv) {
  const std::string table =
      "age,\"height, in cm\",colour\r\n1,170.5,red\r\n2,1e2,\"bl\"\"ue\"\r\n3,,red\n4,5,\"a\nb\"\n5,6,red\n";
  fuzz({"table", ".csv", {{"missing", "mask"}}, false, {table, "a;b\n1;2\n3;4\n5;6\n"}});
}

BOOST_AUTO_TEST_CASE(text) {
  fuzz({"text",
        ".txt",
        {{"length", 8}, {"tokens", "characters"}},
        false,
        {"na\xC3\xAFve caf\xC3\xA9s, twice: na\xC3\xAFve caf\xC3\xA9s\n\xE2\x82\xAC"}});
}

BOOST_AUTO_TEST_CASE(tar) {
  // One file in a ustar archive: a header of 512 bytes, the picture, two empty blocks.
  const std::string picture = pictures("png_rgb_8.png").front();
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, "a/1.png");
  put(100, "0000644");
  put(124, fmt::format("{:011o}", picture.size()));
  put(136, "00000000000");
  put(148, "        ");
  put(156, "0");
  put(257, "ustar");
  put(263, "00");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  const std::string padding((512 - picture.size() % 512) % 512, '\0');
  fuzz({"images",
        ".tar",
        {{"max_pixels", kMostPixels}, {"max_bytes", kMostBytes}},
        false,
        {header + picture + padding + std::string(1024, '\0')},
        12 * kMostPixels + kMostBytes});
}

BOOST_AUTO_TEST_SUITE_END()
