// The usage of a quantizer's codes over a whole split. The entropy is -sum_k p_k ln p_k of the share p_k of the
// positions that have code k, and the perplexity is its exponential: the number of equally used codes with the same
// entropy.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>

#include "loom/metric.h"
#include "train/metric_set.h"

namespace loom::measure {
namespace {

class Codebook final : public Metric {
 public:
  static void declare(Contract& c) {
    c.summary("The usage of a quantizer's codes").measures(Measured::quantizers);
    c.source("van den Oord et al. 2017, Neural Discrete Representation Learning");
    c.input("codes", "[N, ...]", "the code of each position").dtype(DType::i32);
    c.input("unused_for", "[K]", "batches since each code was last used in training");
    c.input("mask", "[N, ...]", "1 where a position is there; others do not count").optional();
    c.option(kCodePorts, OptionValue(), text().or_list(),
             "ports of integers that are codes as well, such as those of a quantizer in formulas");
    c.option(kCodeSizes, OptionValue(), integer().at_least(1).at_most(1 << 24).or_list(),
             "number of codes of these ports, or one number for each");
    c.value("codes", "codes", "", "K, the size of the codebook");
    c.value("used_codes", "used codes", "", "number of codes that occur at least once; 1 to K").curve();
    c.value("perplexity", "perplexity", "", "exp of the entropy of the codes' shares; 1 to K").curve();
    c.value("unigram_entropy", "unigram entropy", "nats",
            "entropy of the codes' shares: a useful prior needs less per code; 0 to ln K");
    c.value("unigram_entropy_bits", "unigram entropy", "bits", "the same in bits");
    c.value("oldest_code", "age of the oldest unused code", "batches", "the largest `unused_for` of the checkpoint");
    c.value("bits_per_item", "bits per item", "bits",
            "positions x log2 K: what the codes of an item cost without a prior; the mean over the items");
    c.value("entropy_bits_per_item", "bits per item at the unigram entropy", "bits",
            "positions x unigram entropy: what they cost under a prior that knows the codes' shares alone");
    c.value("bits_per_second", "bits per second", "bits",
            "`bits_per_item` over the seconds of an item, of sounds in `eval`");
    c.value("counts", "positions of each code", "", "how often each code occurs, by its index");
  }
  explicit Codebook(const Options& options) {
    if (options.has(kCodeSizes)) size_ = static_cast<std::size_t>(options.integers(kCodeSizes).front());
  }

  void add(std::span<const TensorView> inputs) override {
    const std::span<const float> ages = inputs[1].empty() ? std::span<float>() : inputs[1].values();
    const std::span<const float> mask = inputs[2].empty() ? std::span<float>() : inputs[2].values();
    counts_.resize(inputs[1].empty() ? size_ : ages.size());
    if (!ages.empty()) oldest_ = static_cast<double>(*std::ranges::max_element(ages));
    items_ += inputs[0].samples();
    const auto codes = inputs[0].values<std::int32_t>();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      if (!mask.empty() && mask[i * mask.size() / codes.size()] == 0) continue;
      const auto code = static_cast<std::size_t>(codes[i]);  // a negative one is beyond all others
      if (code >= counts_.size())
        throw Error(ErrorCode::out_of_range,
                    fmt::format("metric codebook: a code is {}, and there are {}", codes[i], counts_.size()),
                    "the option `size` says how many codes a port has");
      ++counts_[code];
    }
  }

  std::vector<MetricResult> finish() override {
    const auto used = std::ranges::count_if(counts_, [](std::int64_t count) { return count > 0; });
    const auto all = static_cast<double>(std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0}));
    double entropy = 0;
    for (const std::int64_t count : counts_) {
      const double share = static_cast<double>(count) / all;
      if (count > 0) entropy -= share * std::log(share);
    }
    const double each = all / static_cast<double>(items_);  // positions of an item
    std::vector<MetricResult> results = {
        {"codes", static_cast<std::int64_t>(counts_.size())},
        {"used_codes", static_cast<std::int64_t>(used), fmt::format("of {}", counts_.size())},
        {"perplexity", std::exp(entropy)},
        {"unigram_entropy", entropy},
        {"unigram_entropy_bits", entropy / std::numbers::ln2},
        {"oldest_code", oldest_.value_or(0)},
        {"bits_per_item", each * std::log2(static_cast<double>(counts_.size()))},
        {"entropy_bits_per_item", each * entropy / std::numbers::ln2},
        {"counts", list_of(counts_)}};
    if (!oldest_) std::erase_if(results, [](const MetricResult& one) { return one.key == "oldest_code"; });
    return results;
  }

 private:
  std::size_t size_ = 0;              // of codes that no quantizer keeps books of
  std::vector<std::int64_t> counts_;  // per code
  std::int64_t items_ = 0;
  std::optional<double> oldest_;  // none: nobody keeps books
};

LOOM_METRIC(Codebook, "codebook")

}  // namespace
}  // namespace loom::measure
