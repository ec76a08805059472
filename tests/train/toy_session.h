// A small document over the toy nodes and a toy data set, for tests of sessions.
#pragma once

#include "loom/dataset.h"
#include "support/toy_nodes.h"
#include "train/session.h"

namespace loom::check {

// Draws from N(0, 1); `nan_at`: one item that is not a number.
class ToyData final : public Dataset {
 public:
  static void declare(Contract& c) {
    c.summary("noise");
    c.option("count", 100, integer().at_least(1), "items");
    c.option("nan_at", -1, integer().at_least(-1), "item that is not a number");
    c.option("fail_at", -1, integer().at_least(-1), "item that cannot be read");
    c.option("split", "train", text({"train", "test"}), "other draws");
    c.output("x", "[N, 6]", "noise");
    c.output("label", "[N]", "the index");
  }
  explicit ToyData(const Options& options)
      : count_(options.integer("count")),
        nan_at_(options.integer("nan_at")),
        fail_at_(options.integer("fail_at")),
        split_(options.text("split")) {}
  std::int64_t size() const override { return count_; }
  std::vector<Column> columns() const override { return {{"x", DType::f32, {6}}, {"label", DType::i32, Shape()}}; }
  void read(std::int64_t index, std::span<const TensorView> out) const override {
    RandomStream(9, stream_of(split_), 0).normal(static_cast<std::uint32_t>(index), out[0].values());
    if (index == fail_at_ && split_ == "train") throw Error(ErrorCode::data_corrupt, "the item cannot be read");
    if (index == nan_at_ && split_ == "train") out[0].values()[0] = std::nanf("");
    out[1].values<std::int32_t>()[0] = static_cast<std::int32_t>(index);
  }
  std::string hash() const override { return "toy:" + std::to_string(count_); }

 private:
  std::int64_t count_, nan_at_, fail_at_;
  std::string split_;
};

inline const Registry& toy_session_registry() {
  static const std::unique_ptr<Registry> registry = [] {
    auto types = std::make_unique<Registry>();
    for (const std::string& name : toy_registry().node_names()) types->add(NodeType(*toy_registry().node(name)));
    types->add(detail::make_type<DatasetType, ToyData>("toy"));
    add_updates(*types);
    return types;
  }();
  return *registry;
}

// x -> a -> (a + b) -> center -> noise -> loss: fan-out, a whole-batch barrier, randomness, state.
inline Document toy_document() {
  Document document;
  document.name = "toy";
  document.file = "toy.yaml";
  document.resolved = "toy\n";
  document.nodes = {entry("x", "input", {}, {{"shape", list({6})}}),
                    entry("enc/a", "scale", {"x"}),
                    entry("dec/b", "scale", {"enc/a"}),
                    entry("s", "add", {"dec/b", "enc/a"}),
                    entry("c", "center", {"s"}),
                    entry("d", "noise", {"c"}),
                    entry("losses/fit", "loss", {"d"}),
                    entry("losses/size", "loss", {"enc/a"})};
  document.losses = {{"fit", "losses/fit", "", ScheduleEntry::constant(1), When::always, {}},
                     {"size", "losses/size", "", ScheduleEntry::constant(0.5), When::always, {}}};
  document.train.batch = 16;
  document.train.steps = 12;
  document.train.checkpoint_every = 4;
  document.train.where = {"toy.yaml", 20, 1};
  document.data.type = "toy";
  return document;
}

inline ObjectiveEntry objective(std::string name, std::vector<std::string> losses,
                                std::vector<std::string> parameters) {
  ObjectiveEntry entry;
  entry.name = std::move(name);
  for (std::string& loss : losses) entry.losses.emplace_back(std::move(loss), ScheduleEntry::constant(1));
  entry.parameters = std::move(parameters);
  entry.where = {"toy.yaml", 30, 3};
  return entry;
}

// Every weight and state, as bits.
inline std::vector<float> all_values(Session& session) {
  std::vector<float> values;
  for (const Parameter& item : session.parameters().items()) {
    const auto own = item.value.values();
    values.insert(values.end(), own.begin(), own.end());
  }
  return values;
}

}  // namespace loom::check
