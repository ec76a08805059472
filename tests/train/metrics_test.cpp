// The curves of a run.
#include "train/metrics.h"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <fstream>

#include "loom/error.h"
#include "train/scratch_folder.h"

using namespace loom;
using namespace loom::check;

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(rows_come_back_in_order_and_can_be_read_while_they_are_written) {
  const ScratchFolder folder;
  Metrics metrics(folder.file("metrics.sqlite"), 10);
  const int loss = metrics.curve("loss", "train");
  BOOST_TEST(metrics.curve("loss", "train") == loss);
  for (int step = 1; step <= 25; ++step) metrics.add(step, loss, 1.0 / step);
  metrics.add(25, "loss", "test", std::nan(""));
  Metrics reader(folder.file("metrics.sqlite"), 1, true);
  BOOST_TEST(reader.read("loss", "train").size() == 20U);  // two full batches; the rest waits
  metrics.flush();
  const auto rows = reader.read("loss", "train");
  BOOST_REQUIRE(rows.size() == 25U);
  BOOST_TEST(rows[9].step == 10);
  BOOST_TEST(rows[9].value == 0.1);
  BOOST_TEST(std::isnan(reader.read("loss", "test").at(0).value));
  BOOST_TEST(
      (reader.curves() == std::vector<std::pair<std::string, std::string>>{{"loss", "test"}, {"loss", "train"}}));
}

BOOST_AUTO_TEST_CASE(the_clock_is_that_of_the_steps_that_stand) {
  const ScratchFolder folder;
  const std::string file = folder.file("metrics.sqlite");
  Metrics metrics(file, 100);
  metrics.add_time(5, 1.5);
  metrics.add_time(9, 2.5);
  metrics.flush();
  metrics.add_time(12, 3.5);
  metrics.remove_after(9);  // one that waits too
  metrics.add_time(9, 2.75);
  const auto rows = metrics.clock();
  BOOST_REQUIRE(rows.size() == 2U);
  BOOST_TEST(rows[0].step == 5);
  BOOST_TEST(rows[1].value == 2.75);
  Metrics reader(file, 1, true);
  BOOST_TEST(reader.clock().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_writes_its_steps_again) {
  const ScratchFolder folder;
  const std::string file = folder.file("metrics.sqlite");
  {
    Metrics metrics(file);
    for (int step = 1; step <= 10; ++step) metrics.add(step, "loss", "train", step);
    metrics.set_info("seed", "1");
    metrics.set_info("seed", "2");
  }
  Metrics metrics(file);
  metrics.remove_after(6);
  metrics.add(6, "loss", "train", 60);  // the same row again: replaced
  metrics.add(7, "loss", "train", 70);
  metrics.remove_after(6);  // rows that wait too
  metrics.add(7, "loss", "train", 71);
  const auto rows = metrics.read("loss", "train");
  BOOST_REQUIRE(rows.size() == 7U);
  BOOST_TEST(rows[5].value == 60.0);
  BOOST_TEST(rows[6].value == 71.0);
  BOOST_TEST(metrics.info("seed").value() == "2");
  BOOST_TEST(!metrics.info("nothing").has_value());
}

BOOST_AUTO_TEST_CASE(what_is_no_database_is_an_error) {
  const ScratchFolder folder;
  const std::string file = folder.file("metrics.sqlite");
  std::ofstream(file) << std::string(5000, 'x');
  BOOST_CHECK_EXCEPTION(Metrics{file}, Error,
                        [](const Error& error) { return error.code() == ErrorCode::write_failed; });
  BOOST_CHECK_EXCEPTION(Metrics(folder.file("none"), 1, true), Error,
                        [](const Error& error) { return error.code() == ErrorCode::read_failed; });
  BOOST_CHECK_EXCEPTION(Metrics(folder.file("no/such/folder")), Error,
                        [](const Error& error) { return error.code() == ErrorCode::write_failed; });
}

BOOST_AUTO_TEST_SUITE_END()
