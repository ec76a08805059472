#include "nn/attention_options.h"

#include <fmt/format.h>

#include <numeric>

namespace loom::nodes {
namespace {

Sight sight_of(const Options& o) {
  const std::string& mask = o.text("mask");
  if (mask == "block_causal") return Sight::block_causal;
  return mask == "causal" || o.flag("causal") ? Sight::causal : Sight::all;
}

std::int64_t product(const std::vector<std::int64_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), std::int64_t{1}, std::multiplies<>());
}

void check_sight(ShapeInference& s, const AttentionOptions& options) {
  const bool causal = options.sight != Sight::all;
  if (options.strict && !causal)
    s.fail("strict is an option of causal attention", "strict without causal",
           "causal: true, mask: causal or mask: block_causal");
  if (s.options().flag("causal") && options.sight == Sight::block_causal)
    s.fail("`causal` and `mask` contradict each other", "causal: true, mask: block_causal", "one of the two");
  if (causal && s.run_extents("S") != s.run_extents("R"))
    s.fail("causal attention needs the same positions of query and key",
           s.input(0).text() + " and " + s.input(1).text(), "equal axes", 1);
  if (options.sight != Sight::block_causal) return;
  if (options.blocks.empty())
    return s.fail("mask: block_causal needs the length of a block, or of each block", "no `block`",
                  "block: 16, or block: [1, 4, 16]");
  const std::int64_t queries = product(s.run_extents("S"));
  const std::int64_t sum = std::accumulate(options.blocks.begin(), options.blocks.end(), std::int64_t{0});
  if (s.options().is_list("block") && sum != queries)
    s.fail("the blocks do not cover the positions", fmt::format("{} positions in the blocks", sum),
           fmt::format("{}", queries), 0);
}

void check_mask_input(ShapeInference& s) {
  if (!s.has_input("mask")) return;
  const Shape& mask = s.input("mask");
  const auto &queries = s.run_extents("S"), &keys = s.run_extents("R");
  const auto& given = s.run_extents("M");
  if (given == keys || given == std::vector<std::int64_t>{product(keys)}) return;
  if (given == std::vector<std::int64_t>{product(queries), product(keys)}) return;
  s.fail("a mask is about the keys, or about each query and each key", mask.text(),
         fmt::format("[N, {}] or [N, {}, {}]", product(keys), product(queries), product(keys)), s.input_index("mask"));
}

void check_positions(ShapeInference& s, const AttentionOptions& options) {
  if (options.positions != PositionKind::rotary) return;
  const std::int64_t dim = s.extent("C") / options.heads;
  const std::int64_t rotated = options.rotary_channels == 0 ? dim : options.rotary_channels;
  if (rotated % 2 == 0 && rotated <= dim) return;
  s.fail("rotary positions turn pairs of a head's channels", fmt::format("{} of {} channels of a head", rotated, dim),
         "an even number, at most those of a head (`rotary_channels`)", 0);
}

}  // namespace

AttentionOptions::AttentionOptions(const Options& o)
    : heads(o.integer("heads")), sight(sight_of(o)), strict(o.flag("strict")) {
  if (o.has("block")) blocks = o.integers("block");
  const std::string& kind = o.text("positions");
  positions = kind == "rotary"     ? PositionKind::rotary
              : kind == "relative" ? PositionKind::relative
                                   : PositionKind::none;
  base = o.number("base");
  rotary_channels = o.integer("rotary_channels");
  distance = o.integer("distance");
}

void AttentionOptions::declare(Contract& c) {
  c.option("heads", 1, integer().at_least(1),
           "number of heads; each has C / heads channels of query and key, and V / heads of value");
  c.option("mask", "none", text({"none", "causal", "block_causal"}),
           "the keys that a position sees: all; those up to it; those of its block and of the blocks before it");
  c.option("causal", false, flag(), "the same as mask: causal");
  c.option("strict", false, flag(),
           "with mask: causal up to the position before, with block_causal the blocks before; what sees nothing gives "
           "zeros");
  c.option("block", OptionValue(), integer().at_least(1).or_list(),
           "with mask: block_causal: positions of each block (the last one may have fewer), or a list of all lengths");
  c.option(
      "positions", "none", text({"none", "rotary", "relative"}),
      "rotary: query and key are turned by their position; relative: a learned number for each head and distance is "
      "added to the score");
  c.option("base", 10000.0, number().above(1), "with positions: rotary: the wavelengths are 2 pi base^(2i/d)", "");
  c.option("rotary_channels", 0, integer().at_least(0),
           "with positions: rotary: how many channels of each head are turned, from the first on; 0: all");
  c.option("distance", 32, integer().at_least(1).at_most(65536),
           "with positions: relative: positions further apart than this share the number of this distance",
           "positions");
  // An option that has no effect is a mistake.
  const auto needs = [&](const char* option, const char* with, Condition holds) {
    c.rule({option}, fmt::format("`{}` has no effect without {}", option, with), with, std::move(holds));
  };
  const auto is_at = [](const Options& o, const char* positions) { return o.text("positions") == positions; };
  needs("block", "mask: block_causal",
        [](const Options& o) { return !o.has("block") || sight_of(o) == Sight::block_causal; });
  needs("base", "positions: rotary", [=](const Options& o) { return o.number("base") == 1e4 || is_at(o, "rotary"); });
  needs("rotary_channels", "positions: rotary",
        [=](const Options& o) { return o.integer("rotary_channels") == 0 || is_at(o, "rotary"); });
  needs("distance", "positions: relative",
        [=](const Options& o) { return o.integer("distance") == 32 || is_at(o, "relative"); });
  c.causal_if("S", [](const Options& o) {
    return sight_of(o) == Sight::causal || (sight_of(o) == Sight::block_causal && o.flag("strict"));
  });
}

void AttentionOptions::infer(ShapeInference& s) {
  const AttentionOptions options(s.options());
  const std::pair<const char*, int> shares[] = {{"C", 0}, {"V", 2}};
  for (const auto& [letter, input] : shares) {
    if (s.extent(letter) % options.heads == 0) continue;
    s.fail("the channels cannot be divided equally among the heads",
           fmt::format("{} channels, {} heads", s.extent(letter), options.heads),
           fmt::format("a multiple of {} channels", options.heads), input);
  }
  if (s.run_extents("S").empty() || s.run_extents("R").empty())
    s.fail("there are no positions to attend to", s.input(0).text() + " and " + s.input(1).text(),
           "[N, T, C] or [N, H, W, C]");
  check_sight(s, options);
  check_mask_input(s);
  check_positions(s, options);
  s.bind("D", options.distances());
}

std::vector<std::int64_t> AttentionOptions::block_ends(std::int64_t queries) const {
  std::vector<std::int64_t> ends;
  std::int64_t first = 0;
  for (std::size_t i = 0; first < queries; ++i) {
    const std::int64_t end = std::min(queries, first + blocks[std::min(i, blocks.size() - 1)]);
    ends.insert(ends.end(), static_cast<std::size_t>(end - first), strict ? first : end);
    first = end;
  }
  return ends;
}

}  // namespace loom::nodes
