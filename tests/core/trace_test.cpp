// Traces: spans by name and thread, parts of parallel work, and what happens when there is no room.
#include "core/trace.h"

#include <boost/test/unit_test.hpp>

#include <thread>

using namespace loom;

BOOST_AUTO_TEST_SUITE(trace)

BOOST_AUTO_TEST_CASE(spans_have_name_place_and_time) {
  Trace trace;
  const Trace::Name* name = trace.name("forward", "conv1");
  BOOST_TEST(trace.name("forward", "conv1") == name);
  BOOST_TEST(trace.name("backward", "conv1") != name);
  {
    const TraceSpan outer(&trace, "step");
    const TraceSpan inner(&trace, name, 3, 7);
  }
  BOOST_REQUIRE(trace.spans().size() == 2U);
  const Trace::Span& inner = trace.spans()[0];
  const Trace::Span& outer = trace.spans()[1];
  BOOST_TEST(inner.name == name);
  BOOST_TEST(inner.lane == 3);
  BOOST_TEST(inner.shard == 7);
  BOOST_TEST(outer.name->category == "step");
  BOOST_TEST(outer.lane == -1);
  BOOST_TEST(inner.thread == outer.thread);
  BOOST_TEST(outer.begin <= inner.begin);
  BOOST_TEST(inner.begin <= inner.end);
  BOOST_TEST(inner.end <= outer.end);
}

BOOST_AUTO_TEST_CASE(parts_belong_to_the_span_that_starts_them) {
  Trace trace;
  {
    const TraceSpan span(&trace, "reduce");
    const TracedParts parts;
    std::thread([&] { const TracedParts::Part part(parts); }).join();
  }
  BOOST_REQUIRE(trace.spans().size() == 2U);
  BOOST_TEST(trace.spans()[0].is_part);
  BOOST_TEST(trace.spans()[0].name == trace.spans()[1].name);
  BOOST_TEST(trace.spans()[0].thread != trace.spans()[1].thread);
  BOOST_TEST(!trace.spans()[1].is_part);
  const TracedParts none;  // no span is open
  { const TracedParts::Part part(none); }
  BOOST_TEST(trace.spans().size() == 2U);
}

BOOST_AUTO_TEST_CASE(without_a_trace_nothing_is_recorded) {
  const TraceSpan span(nullptr, "step");
  const TracedParts parts;
  const TracedParts::Part part(parts);
}

BOOST_AUTO_TEST_CASE(what_has_no_room_is_counted) {
  Trace trace(3);
  for (int i = 0; i < 5; ++i) const TraceSpan span(&trace, "step");
  BOOST_TEST(trace.spans().size() == 3U);
  BOOST_TEST(trace.dropped() == 2U);
  trace.clear();
  BOOST_TEST(trace.spans().empty());
  BOOST_TEST(trace.dropped() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
