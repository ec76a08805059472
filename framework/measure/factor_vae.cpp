// The FactorVAE score: which dimension varies least while a factor is held fixed.
#include <algorithm>
#include <limits>
#include <vector>

#include "loom/random.h"
#include "measure/disentanglement.h"
#include "measure/factors.h"

namespace loom::measure {
namespace {

// Variance of the selected values.
template <class Pick>
double variance_of(const std::vector<float>& code, std::size_t count, const Pick& pick) {
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double value = static_cast<double>(code[pick(i)]), distance = value - mean;
    mean += distance / static_cast<double>(i + 1);
    squares += distance * (value - mean);
  }
  return squares / static_cast<double>(count - 1);
}

struct Vote {
  std::size_t dimension, factor;
};

class Voting {
 public:
  Voting(const CodesAndFactors& data, const FactorVaeOptions& options)
      : data_(data), options_(options), draws_(static_cast<std::size_t>(options.items) + 2) {
    for (const FactorColumn& factor : data.factors) {
      auto& members = members_.emplace_back(factor.values.size());
      for (std::size_t n = 0; n < factor.classes.size(); ++n)
        members[static_cast<std::size_t>(factor.classes[n])].push_back(n);
    }
    for (const std::vector<float>& code : data.codes)
      variance_.push_back(variance_of(code, code.size(), [](std::size_t i) { return i; }));
  }

  // A random factor, its value in a random item, and random items with the same value.
  Vote vote(int number) {
    RandomStream(options_.seed, stream_of("measure/factor_vae"), 0).uniform(static_cast<std::uint32_t>(number), draws_);
    const auto below = [&](std::size_t draw, std::size_t count) {
      return std::min(count - 1,
                      static_cast<std::size_t>(static_cast<double>(draws_[draw]) * static_cast<double>(count)));
    };
    const std::size_t factor = below(0, data_.factors.size());
    const auto group = static_cast<std::size_t>(data_.factors[factor].classes[below(1, data_.items)]);
    const std::vector<std::size_t>& members = members_[factor][group];
    const auto pick = [&](std::size_t i) { return members[below(i + 2, members.size())]; };
    Vote out{0, factor};
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t d = 0; d < data_.codes.size(); ++d) {
      if (variance_[d] <= options_.least_variance) continue;
      const double share = variance_of(data_.codes[d], draws_.size() - 2, pick) / variance_[d];
      if (share >= least) continue;
      least = share;
      out.dimension = d;
    }
    return out;
  }

 private:
  const CodesAndFactors& data_;
  const FactorVaeOptions& options_;
  std::vector<float> draws_;
  std::vector<std::vector<std::vector<std::size_t>>> members_;  // [factor][class]: items
  std::vector<double> variance_;
};

}  // namespace

double factor_vae_score(const TensorView& codes, const TensorView& factors, const FactorVaeOptions& options) {
  const CodesAndFactors data(codes, factors);
  if (data.factors.empty()) return std::numeric_limits<double>::quiet_NaN();
  Voting voting(data, options);
  std::vector<std::vector<int>> votes(data.codes.size(), std::vector<int>(data.factors.size()));
  for (int i = 0; i < options.votes; ++i) {
    const Vote vote = voting.vote(i);
    ++votes[vote.dimension][vote.factor];
  }
  std::vector<std::size_t> majority;
  for (const std::vector<int>& row : votes)
    majority.push_back(static_cast<std::size_t>(std::ranges::max_element(row) - row.begin()));
  const int tests = std::max(1, options.votes / 2);
  int right = 0;
  for (int i = 0; i < tests; ++i) {
    const Vote vote = voting.vote(options.votes + i);
    right += majority[vote.dimension] == vote.factor ? 1 : 0;
  }
  return static_cast<double>(right) / tests;
}

}  // namespace loom::measure
