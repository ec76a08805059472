// What is frozen: it computes as in evaluation, and what it makes of the data is computed once.
#include <atomic>
#include <cstring>
#include <fstream>

#include "io/npy.h"
#include "train/frozen_front.h"
#include "train/scratch_folder.h"
#include "train/toy_session.h"

using namespace loom;
using namespace loom::check;

namespace {

namespace fs = std::filesystem;

std::atomic<int> encoded = 0;  // samples that passed through `codes`

// Codes of values: rounded, as integers; the second output is the values.
class ToyCodes final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("rounds").role(Role::quantizer);
    c.input("x", "[N, ...E]", "values");
    c.output("quantized", "[N, ...E]", "the same, rounded");
    c.output("codes", "[N, ...E]", "as integers").dtype(DType::i32).no_gradient();
  }
  explicit ToyCodes(const Options&) {}
  void forward(const Forward& f) const override {
    encoded += static_cast<int>(f.samples);
    const auto x = f.input(0).values();
    for (std::size_t i = 0; i < x.size(); ++i) {
      f.output(1).values<std::int32_t>()[i] = static_cast<std::int32_t>(std::lround(x[i]));
      f.output(0).values()[i] = std::round(x[i]);
    }
  }
};

// A learned scale of codes.
class ToyLookup final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("scaled codes");
    c.input("x", "[N, ...E]", "codes").dtype(DType::i32).no_gradient();
    c.output("y", "[N, ...E]", "values");
    c.parameter("weight", "[1]", uniform_values(0.5, 1.5), "the scale");
  }
  explicit ToyLookup(const Options&) {}
  void forward(const Forward& f) const override {
    const auto x = f.input(0).values<std::int32_t>();
    for (std::size_t i = 0; i < x.size(); ++i)
      f.output(0).values()[i] = f.parameter("weight").values()[0] * static_cast<float>(x[i]);
  }
  void backward(const Backward& b) const override {
    const auto x = b.input(0).values<std::int32_t>();
    for (std::size_t i = 0; i < x.size(); ++i)
      b.diff_parameter("weight").values()[0] += b.diff_output(0).values()[i] * static_cast<float>(x[i]);
  }
};

// Twice its input in training, its input in evaluation.
class ToyMode final : public Node {
 public:
  static void declare(Contract& c) {
    c.summary("depends on the mode").stochastic_in_training();
    c.input("x", "[N, ...E]", "values");
    c.output("y", "[N, ...E]", "values");
    c.tally("count", "[1]", "samples");
    c.state("seen", "[1]", zeros(), "samples in training");
  }
  explicit ToyMode(const Options&) {}
  void forward(const Forward& f) const override {
    const auto x = f.input(0).values();
    for (std::size_t i = 0; i < x.size(); ++i) f.output(0).values()[i] = f.training ? 2 * x[i] : x[i];
    if (f.training) f.tally("count").values()[0] += static_cast<float>(f.samples);
  }
  void backward(const Backward& b) const override {
    const auto dy = b.diff_output(0).values();
    for (std::size_t i = 0; i < dy.size(); ++i) b.diff_input(0).values()[i] = b.training ? 2 * dy[i] : dy[i];
  }
  void end_step(const EndStep& e) const override { e.state("seen").values()[0] += e.tally("count").values()[0]; }
};

const Registry& registry() {
  static const std::unique_ptr<Registry> types = [] {
    auto all = std::make_unique<Registry>();
    for (const std::string& name : toy_registry().node_names()) all->add(NodeType(*toy_registry().node(name)));
    all->add(detail::make_type<NodeType, ToyCodes>("codes"));
    all->add(detail::make_type<NodeType, ToyLookup>("lookup"));
    all->add(detail::make_type<NodeType, ToyMode>("mode"));
    all->add(detail::make_type<DatasetType, ToyData>("toy"));
    add_updates(*all);
    return all;
  }();
  return *types;
}

NodeEntry frozen(NodeEntry entry) {
  entry.frozen = true;
  return entry;
}

// x -> vq/e -> vq/q, frozen, then a prior on the codes that also sees what was encoded.
Document prior_document() {
  Document document = toy_document();
  document.nodes = {entry("vq/x", "input", {}, {{"shape", list({6})}}),
                    frozen(entry("vq/e", "scale", {"vq/x"})),
                    frozen(entry("vq/m", "mode", {"vq/e"})),
                    frozen(entry("vq/q", "codes", {"vq/m"})),
                    entry("prior", "lookup", {"vq/q.codes"}),
                    entry("noise", "noise", {"prior"}),
                    entry("both", "add", {"noise", "vq/e"}),
                    entry("losses/fit", "loss", {"both"})};
  document.losses = {{"fit", "losses/fit", "", ScheduleEntry::constant(1), When::always, {}}};
  document.objectives = {objective("main", {"fit"}, {})};
  document.train.eval_every = 6;
  return document;
}

struct Result {
  std::vector<float> values;
  double loss = 0;
  int encoded = 0;
};

std::unique_ptr<Session> session_in(const std::string& cache, Document document = prior_document()) {
  return std::make_unique<Session>(std::move(document), registry(),
                                   SessionSettings{.threads = 2, .lanes = 2, .shard = 3, .cache = cache});
}

Result train(const std::string& cache, float weight = 1.25F) {
  const auto session = session_in(cache);
  ParameterStore& store = session->parameters();
  store.at(store.find("vq/e.weight")).value.values()[0] = weight;
  store.touch();
  encoded = 0;
  session->train();
  return {all_values(*session), session->evaluate().loss, encoded};
}

std::vector<fs::path> files_in(const std::string& folder, const std::string& extension) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::shared_ptr<const Graph> graph_of(const Document& document) {
  Diagnostics diagnostics;
  auto graph = build_graph(document.nodes, registry(), diagnostics);
  diagnostics.throw_if_any();
  return graph;
}

std::vector<std::string> frontier(const Document& document, bool training = true) {
  const auto graph = graph_of(document);
  const ParameterStore store(*graph);
  const Port loss = graph->port("losses/fit", ErrorCode::bad_fetch);
  std::vector<std::string> names;
  for (const Port& port : frozen_frontier(*graph, store, {&loss, 1}, training)) names.push_back(graph->name_of(port));
  return names;
}

NodeEntry& node(Document& document, const std::string& path) {
  return *std::find_if(document.nodes.begin(), document.nodes.end(),
                       [&](const NodeEntry& entry) { return entry.path == path; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(frozen_front)

BOOST_AUTO_TEST_CASE(frozen_nodes_work_in_evaluation_mode) {
  for (const bool is_frozen : {true, false}) {
    Document document = toy_document();
    document.nodes = {entry("x", "input", {}, {{"shape", list({6})}}), entry("a", "scale", {"x"}),
                      entry("m", "mode", {"a"}), entry("losses/fit", "loss", {"m"})};
    document.nodes[2].frozen = is_frozen;
    document.losses = {{"fit", "losses/fit", "", ScheduleEntry::constant(1), When::always, {}}};
    document.objectives = {objective("main", {"fit"}, {})};
    document.objectives[0].optimizer.learning_rate = ScheduleEntry::constant(0);
    const auto session = session_in("", document);
    const double in_training = session->step().loss;
    ParameterStore& store = session->parameters();
    BOOST_TEST(store.at(store.find("m.seen")).value.values()[0] == (is_frozen ? 0.0F : 16.0F));
    Document evaluation = document;
    evaluation.nodes[2].frozen = true;
    const double plain = session_in("", evaluation)->step().loss;
    BOOST_TEST(in_training == (is_frozen ? 1 : 4) * plain, boost::test_tools::tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(the_frontier_is_where_something_else_reads) {
  BOOST_TEST((frontier(prior_document()) == std::vector<std::string>{"vq/e", "vq/q.codes"}));
  BOOST_TEST((frontier(prior_document(), false) == std::vector<std::string>{"vq/e", "vq/q.codes"}));
  Document document = prior_document();
  for (NodeEntry& entry : document.nodes) entry.frozen = false;
  BOOST_TEST(frontier(document).empty());
  document = prior_document();
  node(document, "vq/e").frozen = false;  // what is behind a trained node is not fixed
  BOOST_TEST(frontier(document).empty());
  document = prior_document();
  node(document, "vq/m").frozen = false;
  BOOST_TEST((frontier(document) == std::vector<std::string>{"vq/e"}));
  document = prior_document();
  node(document, "vq/m").type = "noise";  // draws anew in every step
  BOOST_TEST((frontier(document) == std::vector<std::string>{"vq/e"}));
  document = prior_document();
  document.nodes.push_back(entry("twin", "scale", {"vq/x"}));
  document.nodes.back().weights = "vq/e";  // the weights are trained after all
  BOOST_TEST(frontier(document).empty());
}

BOOST_AUTO_TEST_CASE(it_is_computed_once_and_changes_no_result) {
  const ScratchFolder folder;
  const Result plain = train(""), first = train(folder.file("cache")), second = train(folder.file("cache"));
  BOOST_TEST(plain.encoded > 300);
  BOOST_TEST(first.encoded == 200);  // both splits, once
  BOOST_TEST(second.encoded == 0);
  BOOST_TEST((first.values == plain.values));
  BOOST_TEST((second.values == plain.values));
  BOOST_TEST(first.loss == plain.loss);
  BOOST_TEST(second.loss == plain.loss);
  BOOST_TEST(files_in(folder.file("cache"), ".npy").size() == 4U);  // two ports of two splits
  for (const fs::path& path : files_in(folder.file("cache"), ".npy")) {
    const Tensor values = read_npy(path.string());
    BOOST_TEST((values.shape() == Shape{100, 6}), path);
    BOOST_TEST(
        (values.dtype() == (path.filename().string().find("codes") != std::string::npos ? DType::i32 : DType::f32)));
  }
}

BOOST_AUTO_TEST_CASE(what_other_weights_made_is_never_used) {
  const ScratchFolder folder;
  const std::string cache = folder.file("cache");
  train(cache, 1.25F);
  const auto before = files_in(cache, ".npy");
  const Result plain = train("", 0.75F), cached = train(cache, 0.75F);
  BOOST_TEST((cached.values == plain.values));
  BOOST_TEST(cached.loss == plain.loss);
  BOOST_TEST(cached.encoded == 200);
  const auto after = files_in(cache, ".npy");
  BOOST_TEST(after.size() == before.size());  // the stale ones are gone
  for (const fs::path& path : before) BOOST_TEST(!fs::exists(path), path);
}

BOOST_AUTO_TEST_CASE(a_corrupt_file_is_made_again) {
  const ScratchFolder folder;
  const std::string cache = folder.file("cache");
  const Result first = train(cache);
  const auto files = files_in(cache, ".npy");
  {  // one flipped bit
    std::fstream file(files.at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(300);
    const char byte = static_cast<char>(file.get());
    file.seekp(300);
    file.put(static_cast<char>(byte ^ 1));
  }
  fs::resize_file(files.at(1), fs::file_size(files.at(1)) - 4);
  std::ofstream(files.at(2).string() + ".json") << "{";
  const Result again = train(cache);
  BOOST_TEST((again.values == first.values));
  BOOST_TEST(again.loss == first.loss);
  BOOST_TEST(again.encoded > 0);
  BOOST_TEST(train(cache).encoded == 0);
}

BOOST_AUTO_TEST_CASE(a_resumed_run_computes_the_same_bits) {
  const ScratchFolder folder;
  const auto run_to = [&](const std::string& name, std::int64_t stop_after) {
    const std::string path = folder.file(name);
    const bool fresh = !is_run_folder(path);
    Document document = prior_document();
    SessionSettings settings{.threads = 2, .lanes = 2, .shard = 3, .cache = path + "/cache"};
    if (!fresh) {
      settings = settings_of(RunFolder::open(path, false).settings(), {.threads = 1, .cache = path + "/cache"});
      document.train.seed = 77;  // other initial weights: those of the checkpoint count, for the cache as well
    }
    settings.seed = 5;
    Session session(document, registry(), settings);
    const RunFolder run =
        fresh ? RunFolder::create(path, document.resolved, session.run_settings()) : RunFolder::open(path, true);
    session.attach(run);
    if (fresh) {
      ParameterStore& store = session.parameters();
      store.at(store.find("vq/e.weight")).value.values()[0] = 1.25F;
      store.touch();
    } else {
      session.resume();
    }
    encoded = 0;
    session.train({}, [&] { return session.steps_done() >= stop_after; });
    return std::pair(all_values(session), encoded.load());
  };
  const auto whole = run_to("whole", 100);
  run_to("cut", 7);
  const auto resumed = run_to("cut", 100);
  BOOST_TEST((resumed.first == whole.first));
  BOOST_TEST(resumed.second == 0);
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_where_there_is_no_room) {
  const ScratchFolder folder;
  Document document = prior_document();
  document.data.options["count"] = {std::int64_t{1} << 50, {}};
  const auto graph = graph_of(document);
  const ParameterStore store(*graph);
  const Port loss = graph->port("losses/fit", ErrorCode::bad_fetch);
  const DataSource endless(registry(), document.data), small(registry(), prior_document().data);
  const auto front = [&](const DataSource& source, const std::string& cache) {
    return plan_front_feeds(*graph, store, {&loss, 1}, true, source, cache).front.size();
  };
  BOOST_TEST(front(endless, folder.file("cache")) == 0U);
  BOOST_TEST(front(small, folder.file("cache")) == 2U);
  BOOST_TEST(front(small, "") == 0U);
  BOOST_TEST(front(small, "/proc/cache") == 0U);
}

BOOST_AUTO_TEST_CASE(labels_are_kept_beside_it) {
  const ScratchFolder folder;
  Document document = prior_document();
  document.nodes.push_back(entry("label", "input", {}, {{"shape", list({1})}, {"dtype", "i32"}}));
  document.nodes.push_back(entry("scaled", "lookup", {"label"}));
  document.nodes.push_back(entry("losses/size", "loss", {"scaled"}));
  document.losses.push_back({"size", "losses/size", "", ScheduleEntry::constant(1), When::always, {}});
  document.objectives = {objective("main", {"fit", "size"}, {})};
  const auto plain = session_in("", document), cached = session_in(folder.file("cache"), document);
  plain->train();
  cached->train();
  BOOST_TEST((all_values(*plain) == all_values(*cached)));
  BOOST_TEST(files_in(folder.file("cache"), ".npy").size() == 6U);
}

BOOST_AUTO_TEST_SUITE_END()
