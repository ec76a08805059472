// What run.json and a checkpoint's metadata say is believed only where type and range are right.
#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include "loom/error.h"
#include "train/checkpoint.h"
#include "train/run_folder.h"

using namespace loom;
using Json = nlohmann::json;

namespace {

Json settings() { return Json::parse(RunSettings().to_json()); }

std::string failure(const Json& json) {
  try {
    RunSettings::from_json(json.dump(), "run.json");
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::checkpoint_corrupt));
    BOOST_TEST(error.diagnostics().front().where.file == "run.json");
    return error.what();
  }
  return "";
}

std::string failure_of_metadata(const std::string& key, const std::string& value) {
  TextMap metadata = CheckpointInfo().to_metadata();
  metadata[key] = value;
  try {
    CheckpointInfo::from_metadata(metadata, "c.safetensors");
  } catch (const Error& error) {
    BOOST_TEST((error.code() == ErrorCode::checkpoint_mismatch));
    return error.what();
  }
  return "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_settings)

BOOST_AUTO_TEST_CASE(each_number_has_its_range) {
  BOOST_TEST(failure(settings()) == "");
  for (const auto& [field, most] : {std::pair<const char*, std::int64_t>{"lanes", kMaxLanes},
                                    {"shard", kMaxBatch},
                                    {"batch", kMaxBatch},
                                    {"steps", kMaxSteps}}) {
    for (const Json& wrong : {Json(most + 1), Json(-1), Json(1e300), Json("1"), Json(nullptr), Json::array({1})}) {
      Json changed = settings();
      changed[field] = wrong;
      const std::string text = failure(changed);
      BOOST_TEST(text.find(std::string("the field '") + field + "' is wrong") != std::string::npos, text);
      BOOST_TEST(text.find("expected: an integer from") != std::string::npos, text);
    }
    Json last = settings();
    last[field] = most;
    BOOST_TEST(failure(last) == "");
  }
}

BOOST_AUTO_TEST_CASE(every_field_is_needed_and_typed) {
  for (const char* field : {"format", "version", "seed", "lanes", "shard", "batch", "steps", "data"}) {
    Json less = settings();
    less.erase(field);
    BOOST_TEST(failure(less).find(field) != std::string::npos, field);
    less[field] = Json::object();
    BOOST_TEST(failure(less) != "", field);
  }
  Json options = settings();
  options["data"]["options"]["size"] = {{"from", 9223372036854775808U}};
  BOOST_TEST(failure(options).find("'data.options.size.from'") != std::string::npos, failure(options));
  options["data"]["options"]["size"] = 9223372036854775808U;
  BOOST_TEST(failure(options).find("'data.options.size'") != std::string::npos);
  Json deep = settings();
  Json list = 1;
  for (int i = 0; i < 100; ++i) list = Json::array({list});
  deep["data"]["options"]["size"] = list;
  BOOST_TEST(failure(deep).find("at most 64 levels") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(metadata_has_ranges_too) {
  BOOST_TEST(failure_of_metadata("step", "7") == "");
  for (const auto& [key, value] : {std::pair{"step", "-1"},
                                   {"step", "9223372036854775807"},
                                   {"lanes", "1000000000"},
                                   {"batch", "0"},
                                   {"shard", "99999999999999999999"},
                                   {"best_value", "much"},
                                   {"optimizer_updates", "{\"main\": -1}"},
                                   {"optimizer_updates", "[1]"},
                                   {"optimizer_starts", "{\"main\": {\"w\": \"x\"}}"},
                                   {"guard", "{\"skipped\": 0, \"in_row\": 0}"},
                                   {"guard", "{"}}) {
    BOOST_TEST(failure_of_metadata(key, value) != "", key << " = " << value);
  }
  BOOST_TEST(failure_of_metadata("guard", std::string(100000, '[')).find("at most 64 levels") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
