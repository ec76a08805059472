#include "report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>

#include "dnnl/cpu.h"
#include "io/atomic_file.h"
#include "loom/abi.h"
#include "report/chart.h"
#include "report/codebook_section.h"
#include "report/curve_section.h"
#include "report/graph_summary.h"
#include "report/readable.h"
#include "report/report_style.h"
#include "train/evaluation.h"
#include "train/metrics.h"

namespace loom::report {
namespace {

namespace fs = std::filesystem;

std::string row(const std::string& name, const std::string& value) {
  return fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value));
}

std::string tile(const std::string& name, const std::string& value, const std::string& note = "") {
  return fmt::format("<div class=\"tile\"><span>{}</span><strong>{}</strong><small>{}</small></div>\n", escaped(name),
                     escaped(value), escaped(note));
}

// The last and the least value of a held-out curve.
std::string tiles_of(Metrics& metrics) {
  std::string out;
  for (const auto& [name, split] : metrics.curves()) {
    static const std::map<std::string, std::string> kShown = {{"negative_elbo", "negative ELBO"},
                                                              {"nll", "NLL"},
                                                              {"reconstruction", "reconstruction"},
                                                              {"bits_per_dim", "bits/dim"}};
    const auto shown = kShown.find(name);
    if (shown == kShown.end() || split == "train") continue;
    const std::vector<MetricRow> points = metrics.read(name, split);
    if (points.empty()) continue;
    const auto least = std::ranges::min_element(points, {}, &MetricRow::value);
    const bool nats = name != "bits_per_dim";
    out += tile(split + " " + shown->second,
                fmt::format("{:.{}f}{}", points.back().value, nats ? 2 : 4, nats ? " nats" : ""),
                least->step == points.back().step
                    ? ""
                    : fmt::format("least {:.{}f} at step {}", least->value, nats ? 2 : 4, least->step));
  }
  return out;
}

// "rate 12.3 nats, committed 10.0", of the last evaluation; "" if no rate is committed.
std::string rate_tile(Metrics& metrics) {
  for (const auto& [name, split] : metrics.curves()) {
    if (name != "committed_rate") continue;
    const std::vector<MetricRow> rate = metrics.read("rate", split), committed = metrics.read(name, split);
    if (!rate.empty() && !committed.empty())
      return tile("rate", fmt::format("{:.1f} nats", rate.back().value),
                  fmt::format("committed {:.1f}", committed.back().value));
  }
  return "";
}

// The findings of the last evaluation about the latent variables and the codes.
std::string finding_section(Metrics& metrics) {
  const std::string text = metrics.info("findings").value_or("");
  return text.empty() ? "" : fmt::format("<p class=\"finding\">{}</p>\n", escaped(text));
}

std::string summary_section(const ModelSource& model, Metrics& metrics, const GraphSummary& graph) {
  std::int64_t steps = 0;
  for (const MetricRow& point : metrics.read("total_loss", "train")) steps = std::max(steps, point.step);
  std::string out =
      fmt::format("<h1>{}</h1>\n<p>{}</p>\n<div class=\"tiles\">\n", escaped(graph.name), escaped(graph.doc));
  out += tile("steps", grouped(steps), fmt::format("batch {}", model.settings().batch));
  out += tile("parameters", grouped(graph.parameters), fmt::format("{} nodes", graph.nodes.size()));
  out += tiles_of(metrics) + rate_tile(metrics);
  return out + tile("data", model.settings().data.type, metrics.info("data_hash").value_or("")) + "</div>\n" +
         finding_section(metrics);
}

// The changes during training, and those that were refused.
std::string history_section(Metrics& metrics) {
  const std::vector<HistoryEvent> events = metrics.history();
  if (events.empty()) return "";
  std::string out =
      "<h2>History</h2>\n<div class=\"wide\"><table class=\"history\">\n<thead><tr><th>step</th><th></th><th>by</th>"
      "<th>what</th><th>when</th></tr></thead>\n<tbody>\n";
  for (const HistoryEvent& event : events) {
    out += fmt::format(
        "<tr><td class=\"number\">{}</td><td>{}</td><td>{}</td><td class=\"what\">{}</td><td>{}</td></tr>\n",
        grouped(event.step), escaped(event.kind), escaped(event.who), escaped(event.what), escaped(event.time));
  }
  return out + "</tbody></table></div>\n";
}

std::string picture(const std::string& path, const std::string& caption) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return "";
  return fmt::format(
      "<figure><img alt=\"{0}\" src=\"data:image/png;base64,{1}\"><figcaption>{0}</figcaption></figure>\n", caption,
      base64(read_text_file(path)));
}

// The labels stand beside the rows of the picture, which are all as high.
std::string traversal_figure(const Traversal& traversal) {
  std::string labels;
  for (const std::string& row : traversal.rows) labels += fmt::format("<span>{}</span>", escaped(row));
  return fmt::format(
      "<figure class=\"traversal\"><div><div class=\"rows\">{}</div><img alt=\"a latent traversal\" "
      "src=\"data:image/png;base64,{}\"></div><figcaption>dimensions of {} from -3 to 3, by falling rate</figcaption>"
      "</figure>\n",
      labels, base64(read_text_file(traversal.path)), escaped(traversal.latent));
}

std::string picture_section(const RunFolder& run, const Traversals& traversals) {
  std::string pictures = picture(run.samples_path(), "samples from the prior") +
                         picture(run.reconstructions_path(), "held-out items, each above its reconstruction");
  for (const Traversal& traversal : traversals.written) pictures += traversal_figure(traversal);
  if (pictures.empty()) return "";
  const std::string others =
      traversals.left_out.empty()
          ? ""
          : fmt::format(
                "<p>Traversed: the {} latent variables with the highest rates. <code>graph-runner traverse {} "
                "--latent NAME</code> shows the others: {}.</p>\n",
                traversals.written.size(), escaped(run.path()),
                escaped(fmt::format("{}", fmt::join(traversals.left_out, ", "))));
  return "<h2>Pictures</h2>\n<div class=\"pictures\">\n" + pictures + "</div>\n" + others;
}

std::string graph_section(const GraphSummary& graph) {
  std::string out =
      "<h2>Graph</h2>\n<div class=\"wide\"><table "
      "class=\"graph\">\n<thead><tr><th>node</th><th>type</th><th>from</th><th>gives</th><th>parameters</th></tr></"
      "thead>\n<tbody>\n";
  for (const NodeSummary& node : graph.nodes) {
    const auto depth = std::ranges::count(node.path, '/');
    out += fmt::format(
        "<tr><td style=\"padding-left:{}em\"><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td class=\"number\" "
        "title=\"{}\">{}</td></tr>\n",
        0.3 + 1.2 * static_cast<double>(depth), escaped(node.path), escaped(node.type),
        escaped(fmt::format("{}", fmt::join(node.inputs, ", "))),
        escaped(fmt::format("{}", fmt::join(node.outputs, ", "))),
        escaped(fmt::format("{}", fmt::join(node.parameters, ", "))),
        node.parameter_count > 0 ? grouped(node.parameter_count) : "");
  }
  return out + "</tbody></table></div>\n";
}

std::string data_text(const DataEntry& data) {
  std::string text = data.type;
  for (const auto& [name, option] : data.options) text += fmt::format(", {}: {}", name, option.value.text());
  return text;
}

std::string settings_section(const ModelSource& model, const GraphSummary& graph, int threads) {
  const RunSettings& settings = model.settings();
  std::string out = "<h2>Settings</h2>\n<div class=\"columns\"><table>\n";
  out += row("steps", grouped(settings.steps)) + row("batch", std::to_string(settings.batch)) +
         row("seed", std::to_string(settings.seed));
  out += row("lanes", std::to_string(settings.lanes)) + row("shard", std::to_string(settings.shard)) +
         row("algorithms", settings.algorithms) + row("precision", settings.precision) +
         row("data", data_text(settings.data));
  out += row("weights shown", fs::path(model.weights()).filename().string());
  out += "</table>\n<table>\n" + row("Latentloom", settings.version) + row("arithmetic", dnnl::describe());
  out += row("threads", fmt::format("{} of {} cores", threads, std::thread::hardware_concurrency()));
  out += row("a training step", fmt::format("{}flop per sample", readable_count(graph.flop_per_sample)));
  out += row("planned memory", readable_bytes(static_cast<double>(graph.memory.total())));
  out += "</table></div>\n";
  return out + fmt::format("<details><summary>The graph, resolved</summary><pre>{}</pre></details>\n",
                           escaped(model.document().resolved));
}

}  // namespace

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[i + k])) : 0U;
    };
    const unsigned word = byte(0) << 16 | byte(1) << 8 | byte(2);
    out += kDigits[word >> 18];
    out += kDigits[word >> 12 & 63];
    out += i + 1 < bytes.size() ? kDigits[word >> 6 & 63] : '=';
    out += i + 2 < bytes.size() ? kDigits[word & 63] : '=';
  }
  return out;
}

std::string report_of(const ModelSource& model, const RunFolder& run, const Traversals& traversals, int threads) {
  Metrics metrics(run.metrics_path(), 1, true);
  const GraphSummary graph = summarize(model, {.threads = threads});
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>{}: a Latentloom "
      "run</title>\n<style>{}</style>\n</head>\n<body>\n",
      escaped(graph.name), kReportStyle);
  out += summary_section(model, metrics, graph) + curve_section(model.registry(), metrics) + history_section(metrics) +
         codebook_section(model, metrics) + picture_section(run, traversals) + graph_section(graph) +
         settings_section(model, graph, threads);
  return out + "</body>\n</html>\n";
}

}  // namespace loom::report
