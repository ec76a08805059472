// A trained model in a program of your own: what graph-runner encode, decode, sample, traverse, interpolate and run do.
//
//   const loom::Model model("runs/first");
//   const loom::Tensor codes = model.encode(pictures);            // [n, 28, 28, 1] -> [n, D]
//   const loom::Tensor drawn = model.sample(64, {.seed = 7});     // [64, 28, 28, 1]
//   const auto both = model.run({{"x", pictures}}, {"q.mu", "decoder"});
//
// Values are batches, samples first, dense, channels last, in the units that the graph computes in: [n, ...event], of
// the dtype of the port they are for. What a call is given is only read; a fed value may have another event shape of
// the same count ([n, 784] for [n, 28, 28, 1]), and u8 or i32 where the port takes f32. The names of ports are those of
// the document: "x", "q.mu", "encoder/conv1"; a node alone is its first output.
//
// A call is a function of the weights, its arguments and its seed: the same seed gives the same bits for any number of
// threads, and what graph-runner gives for it. Random numbers differ between the samples of a call.
//
// What a call needs is compiled at the first call of its kind and size, and kept for the next ones (of a few kinds).
//
// Ownership: a Model owns its weights, plugins and threads; tensors that it returns own their memory, and outlive it.
// Thread safety: every method may be called from several threads at once; the calls on one Model wait for each other,
// since they share its threads. Two Models are independent: they run side by side.
// Errors: all are loom::Error. The constructor throws what is wrong with the document (E1xx, E2xx), the run (E5xx) and
// its plugins (E6xx). Calls throw bad_feed, bad_fetch, usage where the document has no such entry of `generate:` and none
// follows from the losses, missing_input where one lacks something that does not follow, not_supported where the graph
// does not compute what is asked for, node_failed. After an Error a Model is as it was.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loom/options.h"
#include "loom/tensor.h"

namespace loom {

// A document that a program holds as text, in place of a file.
struct DocumentText {
  std::string yaml;
  std::string name = "document.yaml";  // in the positions of what is wrong with it
  std::string folder = ".";            // what it extends and uses is relative to
};

struct ModelOptions {
  std::vector<std::string> overrides = {};  // "path=value", of a graph file: vars.latent=8
  std::string weights = {};                 // a safetensors file in place of a run's checkpoint
  bool newest = false;                      // a run's newest checkpoint in place of its best
  std::vector<std::string> plugins = {};    // libraries beside the standard ones: files, or names on LOOM_PLUGIN_PATH
  int threads = 0;                          // 0: one per core
  std::optional<std::uint64_t> seed = {};   // of initial values, where nothing gives weights; else the document's
  // What is worth knowing and no error, a sentence each: that something takes longer than it might. Called on the
  // thread that calls the model, which it must not call again from there.
  std::function<void(const std::string&)> notice = {};
};

// Values for ports, by name.
using Feeds = std::vector<std::pair<std::string, TensorView>>;

struct RunOptions {
  std::uint64_t seed = 1;
  std::uint32_t step = 0;  // another one gives other random numbers of the same seed
};

// How values are drawn and shown, of every call that decodes.
struct DrawOptions {
  // Options of the nodes that have them: temperature, top_k, top_p of samplers, class of priors over classes.
  std::map<std::string, OptionValue> options = {};
  std::string likelihood = {};  // what is shown of it: "mean", "draw"; "": as the entry of `generate:` says
  // Keys of `iterate` in place of those of the entry: steps, solver, guidance, ... (docs/graph-format.md). Throws usage where
  // it does not iterate.
  std::map<std::string, OptionValue> iterate = {};
};

struct SampleOptions {
  std::string name = "sample";  // the entry of `generate:`; this one follows from the losses where it is missing
  std::uint64_t seed = 1;
  bool incremental = true;  // false: autoregressive inputs by whole runs of the graph, with the same values
  DrawOptions draws = {};
};

struct EncodeOptions {
  std::string port = {};  // "": the first of encodings()
  Feeds beside = {};      // other inputs that it is computed from: labels
  std::uint64_t seed = 1;
};

struct DecodeOptions {
  std::string name =
      "decode";       // the entry of `generate:` that is fed; this one follows from the graph where it is missing
  Feeds beside = {};  // other ports and inputs that decoding reads
  std::uint64_t seed = 1;
  DrawOptions draws = {};
};

struct ReconstructOptions {
  std::string name = "reconstruct";  // the entry of `generate:`; this one follows from the losses where it is missing
  Feeds beside = {};
  std::uint64_t seed = 1;
  DrawOptions draws = {};
};

struct TraverseOptions {
  std::vector<std::int64_t> dimensions = {};  // counted from 0; none: all of them
  double range = 3;                           // values from -range to range: standard deviations of N(0, I)
  std::int64_t steps = 9;                     // values of each dimension; 1: the middle
  TensorView centre = {};                     // f32, as many values as one latent; empty: 0, the mean of the prior
  std::string latent = {};                    // the divergence of the latent variable; "": the first
  std::uint64_t seed = 1;                     // of what else the graph draws
  DrawOptions draws = {};
};

struct InterpolateOptions {
  std::int64_t steps = 9;   // both ends included, at least 2
  bool spherical = false;   // along the arc (Shoemake 1985), else along the straight line
  std::string latent = {};  // the divergence of the latent variable; "": the first
  std::uint64_t seed = 1;
  DrawOptions draws = {};
};

struct DensityOptions {
  std::int64_t draws = 100;  // from the posterior of each sample
  Feeds beside = {};
  std::uint64_t seed = 1;
};

// What a port holds: `shape` is abstract, with the samples as kBatch ("[N, 28, 28, 1]").
struct PortDescription {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
};

class ModelSource;

class __attribute__((visibility("default"))) Model {
 public:
  // `path`: the folder of a run, or a graph file, which has initial values where `options` name no weights.
  explicit Model(const std::string& path, const ModelOptions& options = {});
  // A document's initial values, or options.weights.
  explicit Model(const DocumentText& document, const ModelOptions& options = {});
  ~Model();
  Model(Model&& other) noexcept;  // the other one may only be destroyed or assigned to
  Model& operator=(Model&& other) noexcept;

  const std::string& name() const;     // `graph:` of the document
  const std::string& weights() const;  // the file they come from; "": initial values
  int threads() const;
  PortDescription input() const;  // the first input: what encode() and reconstruct() take; throws usage without any
  PortDescription port(const std::string& name) const;  // throws bad_fetch
  // Ports that encode() gives: what generate.encode shows, else the codes of the quantizers, else the means of the
  // posteriors; none where the graph has no such thing.
  std::vector<std::string> encodings() const;

  // The values of `fetch`, [n, ...] each, in this order. Inputs, output ports and input ports ("z.noise") can be fed;
  // every feed holds the same number of samples.
  std::vector<Tensor> run(const Feeds& feeds, const std::vector<std::string>& fetch,
                          const RunOptions& options = {}) const;

  // What follows takes x, and returns what an entry shows, in the units of the data: a run that was trained on
  // normalised values normalises x as its data card says, and turns what it shows back. run() does neither.

  // count >= 1 samples of what the entry shows: [count, ...]. Only of entries that need no data.
  Tensor sample(std::int64_t count, const SampleOptions& options = {}) const;
  // The same of an entry whose `show` is a map: one tensor for each column of the data that it names; else one, "".
  std::vector<std::pair<std::string, Tensor>> sample_columns(std::int64_t count,
                                                             const SampleOptions& options = {}) const;
  // The latent values or codes of x, [n, ...]. Posteriors give their means, so that nothing is drawn.
  Tensor encode(const TensorView& x, const EncodeOptions& options = {}) const;
  // What latent values or codes are decoded to, through the fed entry `name` of `generate:`. They are values of the first
  // port that it is fed with; where there are more, `beside` gives them.
  Tensor decode(const TensorView& latents, const DecodeOptions& options = {}) const;
  // x through the whole model: what generate.reconstruct shows.
  Tensor reconstruct(const TensorView& x, const ReconstructOptions& options = {}) const;

  // One latent dimension after the other takes `steps` values, the rest stays at the centre:
  // [dimensions * steps, ...] decoded, a dimension's steps one after the other.
  Tensor traverse(const TraverseOptions& options = {}) const;
  // From latents to latents, f32 [n, ...] both: [n * steps, ...] decoded, a pair's steps one after the other.
  Tensor interpolate(const TensorView& from, const TensorView& to, const InterpolateOptions& options = {}) const;

  // The importance-weighted estimate of ln p(x), a lower bound that rises with the draws: nats, one value per sample.
  // Burda et al. 2016. Its negative mean is the NLL of graph-runner eval --nll-samples.
  std::vector<double> log_density(const TensorView& x, const DensityOptions& options = {}) const;

  // For the rest of this library, whose headers are not installed.
  const ModelSource& source() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace loom
