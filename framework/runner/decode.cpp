// graph-runner decode: turns codes from a file into pictures, sounds or arrays.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "generate/encodings.h"
#include "generate/entry.h"
#include "generate/sampling.h"
#include "io/npy.h"
#include "io/npz.h"
#include "loom/dataset.h"
#include "report/pictures.h"
#include "runner/console.h"
#include "runner/csv_file.h"
#include "runner/draw_flags.h"
#include "runner/model_flags.h"
#include "runner/out_file.h"
#include "runner/verbs.h"

namespace loom::runner {
namespace {

struct DecodeFlags : ModelFlags {
  std::string codes, out, name = "decode";
  std::int64_t count = 0, rate = 0;
  bool separate = false, whole = false;
  DrawFlags draws;
};

// The only array of an archive beside the columns of the data and those with which encode says where its items come from;
// the end if there are several.
std::vector<std::string>::const_iterator the_only_codes(const std::vector<std::string>& names, const DataCard* card) {
  const auto is_codes = [&](const std::string& name) {
    return name != "origin" && name != "start" && name != "length" && (card == nullptr || card->find(name) == nullptr);
  };
  return std::ranges::count_if(names, is_codes) == 1 ? std::ranges::find_if(names, is_codes) : names.end();
}

Tensor array_in() {
  const std::string bytes = read_in();
  return npy_tensor(std::as_bytes(std::span(bytes)), "stdin");
}

// The arrays of the file for the ports; with several ports, the arrays of the archive with the ports' names, or with the
// names that encode gives them: the mean of a latent variable for its draw.
std::vector<Feed> read_codes(const std::string& file, const Graph& graph, const std::vector<Port>& ports,
                             const std::map<std::string, std::string>& encoded, const DataCard* card) {
  std::vector<Feed> feeds;
  for (const Port& port : ports) feeds.push_back({"--codes", graph.name_of(port), file, {}, port, {}});
  if (!file.ends_with(".npz")) {
    if (feeds.size() > 1) {
      throw bad_feed(feeds.front(), fmt::format("the entry takes values for {} ports", feeds.size()), "one array",
                     "an .npz archive with one array per port");
    }
    feeds.front().values = file == "-" ? array_in() : read_npy(file);
    return feeds;
  }
  const NpzFile archive(file);
  for (Feed& feed : feeds) {
    const std::vector<std::string>& names = archive.names();
    auto found = std::ranges::find(names, feed.name);
    if (const auto mean = encoded.find(feed.name); found == names.end() && mean != encoded.end())
      found = std::ranges::find(names, mean->second);
    if (found == names.end() && feeds.size() == 1) found = the_only_codes(names, card);
    if (found == names.end())
      throw bad_feed(feed, fmt::format("the archive has no array '{}'", feed.name), joined(names), feed.name);
    feed.values = npy_tensor(archive.read(*found), archive.name_of(*found));
    feed.option = "--codes, " + feed.name;
  }
  return feeds;
}

int decode(const DecodeFlags& request, bool json) {
  check_out("decode", request.out, true);
  const ModelSource model(request.model, request.model_options());
  const DrawOptions draws = request.draws.options();
  const GenerateEntry entry = decoding_entry(model, request.name, draws);
  const std::map<std::string, std::string> encoded = encoded_names(model);
  Executor executor(request.threads);
  const Tensor shown = loom::decode(
      model, executor, entry,
      {.count = request.count, .seed = request.draws.seed, .options = draws.options, .incremental = !request.whole},
      [&](const Graph& graph, const std::vector<Port>& ports) {
        return read_codes(request.codes, graph, ports, encoded, model.card().get());
      });
  if (is_table(request.out))
    write_csv(request.out, {described(model, "", shown)});
  else if (is_array(request.out))
    write_array(request.out, shown);
  else if (is_sound(request.out))
    write_sound(request.out, shown, model, {"", request.rate, request.separate});
  else
    write_picture(request.out, report::samples_png(model, shown), shown.shape());
  say_written(json, request.out, shown.shape(),
              fmt::format("{} items of {} in {}", shown.view().samples(), shown.shape().event().text(), request.out),
              {{"codes", request.codes}, {"seed", request.draws.seed}});
  return kOk;
}

void add_decode(CLI::App& app, Invocation& invocation) {
  Verb verb = add_verb(app, invocation, "decode", "Turn codes from a file into pictures, sounds or arrays",
                       "graph-runner decode runs/vq --codes codes.npy --count 64 --out pictures.png");
  auto request = std::make_shared<DecodeFlags>();
  add_model(verb, *request);
  verb.option("--codes", request->codes,
              "a .npy array, or an .npz archive with one array per port that is fed; -: a .npy array on stdin")
      .required();
  verb.option("--out", request->out,
              "a .png picture, a .npy array, a .csv table or a .wav sound; -: an array on stdout")
      .required();
  verb.option("--count", request->count, "only the first items; 0: all").at_least(0).shows_default();
  verb.option("--name", request->name, "the entry of generate; this one follows from the graph if it has none")
      .shows_default();
  add_draw_flags(verb, request->draws);
  add_sampler_flags(verb, request->draws);
  verb.option("--rate", request->rate, "sample rate of a .wav in Hz; 0: that of the data, or 8000").at_least(0);
  verb.flag("--separate", request->separate, "one .wav file per item: F-0.wav, F-1.wav, ...");
  verb.flag("--whole", request->whole, "run the whole graph for each position of an autoregressive decoder");
  add_model_flags(verb, *request);
  verb.json_flag();
  verb.action([&invocation, request] { return decode(*request, invocation.json); });
}
LOOM_VERB(70, add_decode)

}  // namespace

}  // namespace loom::runner
