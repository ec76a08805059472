#include "runner/feed_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace loom::runner {
namespace {

Tensor as_floats(const Tensor& values) {
  Tensor floats(DType::f32, values.shape());
  if (values.dtype() == DType::i32)
    std::ranges::copy(values.values<std::int32_t>(), floats.values().begin());
  else
    std::ranges::copy(values.values<std::uint8_t>(), floats.values().begin());
  return floats;
}

Tensor as_codes(const Tensor& values) {
  Tensor codes(DType::i32, values.shape());
  std::ranges::copy(values.values<std::uint8_t>(), codes.values<std::int32_t>().begin());
  return codes;
}

}  // namespace

Error bad_feed(const Feed& feed, std::string message, std::string got, std::string expected) {
  Diagnostic finding;
  finding.code = ErrorCode::bad_feed;
  finding.where.file = feed.file;
  finding.message = fmt::format("{}: {}", feed.option, message);
  finding.got = std::move(got);
  finding.expected = std::move(expected);
  return Error(std::move(finding));
}

std::int64_t fit_feeds(const Graph& graph, std::vector<Feed>& feeds, std::vector<TensorView>& views) {
  std::int64_t samples = 0;
  for (Feed& feed : feeds) {
    const DType wanted = graph.dtype(feed.port), got = feed.values.dtype();
    if (wanted == DType::f32 && got != DType::f32)
      feed.values = as_floats(feed.values);
    else if (wanted == DType::i32 && got == DType::u8)
      feed.values = as_codes(feed.values);
    else if (wanted != got)
      throw bad_feed(feed, "the values have another type", std::string(name_of(got)), std::string(name_of(wanted)));
    const Shape& shape = graph.shape(feed.port);
    if (!shape.per_sample())
      throw bad_feed(feed, "this port has no axis of samples", shape.text(), "a port of [N, ...]");
    const std::int64_t rows = feed.values.shape().rank() > 0 ? feed.values.shape()[0] : 0, each = -shape[0];
    if (rows == 0 || rows % each != 0 || feed.values.count() / rows != shape.event().count()) {
      throw bad_feed(feed, "the values have another shape", feed.values.shape().text(), shape.text());
    }
    if (samples != 0 && rows / each != samples) {
      throw bad_feed(feed, "the files hold different numbers of samples", std::to_string(rows / each),
                     std::to_string(samples));
    }
    samples = rows / each;
    views.emplace_back(wanted, shape.at_batch(samples), feed.values.view().raw());
  }
  return samples > 0 ? samples : 1;
}

}  // namespace loom::runner
