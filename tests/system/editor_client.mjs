// editor_client.mjs SERVER SCHEMA GRAPHS DOC: what an editor shows of documents that name the schema in their first
// line. SERVER is the executable of yaml-language-server, SCHEMA the file that `graph-runner schema` wrote into the
// current folder, GRAPHS a folder of graphs, and DOC the documentation line of the option `units` of `linear`. Prints
// what is not as it should be, and how much was checked.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { LanguageServer } from "./language_server.mjs";

const [program, schema, graphs, unitsDoc] = process.argv.slice(2);
const kSeconds = 300;

// Every document below is this one with one place changed; | is the cursor.
const kGraph = `version: 1
graph: small
data: {type: gaussian, features: 8}
nodes:
  x: {type: input, shape: [8]}
  e: {type: linear, in: x, units: 8}
  q: {type: gaussian_parameters, in: e, dim: 2}
  z: {type: gaussian_sampler, in: {mu: q.mu, logvar: q.logvar}}
  y: {type: linear, in: z, units: 8, activation: relu}
losses:
  fit: {type: squared_error, in: {x: y, target: x}}
train: {batch: 16, optimizer: {type: adam, lr: 1.0e-3}}
generate:
  sample: {show: y}
`;
const kInNode = "type: linear, in: x, units: 8";
const kNode = `  e: {${kInNode}}\n`;

// The place, what stands there instead, what is offered at the cursor, and what is not.
const kCompletions = [
  [kInNode, "type: linear, in: x, un|", ["units", "bias", "activation", "frozen"], ["filters", "kernel", "dim", "use"]],
  [kNode, "  e:\n    type: linear\n    in: x\n    |\n", ["units", "bias", "activation"], ["filters", "kernel", "dim"]],
  [kInNode, "type: conv, in: x, k|", ["kernel", "filters", "stride"], ["units", "dim"]],
  [kInNode, "use: block.yaml, v|", ["vars", "in", "repeat"], ["units", "kernel"]],
  [kInNode, "type: |", ["linear", "conv", "gaussian_sampler"], ["adam", "cosine", "idx"]],
  [kNode, "  e:\n    |\n", ["type", "use"], ["units", "kernel"]],
  ["in: {mu: q.mu, logvar: q.logvar}", "in: {m|}", ["mu", "logvar"], ["target", "units"]],
  ["activation: relu", "activation: |", ["relu", "tanh", "none"], ["same"]],
  ["type: squared_error", "type: squared_error, w|", ["weight", "when"], ["units", "free_bits"]],
  ["type: gaussian, features: 8", "type: idx, p|", ["path", "limit"], ["features"]],
  ["batch: 16,", "s|,", ["steps", "seed", "eval_every"], ["units", "losses"]],
  [/train: .*\n/, "train:\n  |\n", ["batch", "steps", "optimizer"], ["units", "show"]],
  ["type: adam, lr: 1.0e-3", "type: |", ["adam", "sgd", "rmsprop"], ["linear", "cosine"]],
  ["type: adam, lr: 1.0e-3", "type: sgd, m|", ["momentum", "lr"], ["beta1", "units"]],
  ["lr: 1.0e-3", "lr: {type: |}", ["cosine", "step"], ["adam", "sgd"]],
  ["sample: {show: y}", "sample: {d|}", ["draw", "show", "feed"], ["units"]],
  [/$/, "|", ["objectives", "vars"], ["units", "batch", "inputs"]],
  [/^.*$/s, "block: pair\n|", ["inputs", "outputs", "nodes"], ["train", "data"]],
];

// The place, what stands there instead, and what is flagged: the line that holds a text, and a word of the message.
const kMistakes = [
  [kInNode, "type: linear, in: x, units: 8, actvation: relu", "actvation", "actvation"],
  [kNode, "  e:\n    type: linear\n    in: x\n    units: 8\n    bais: true\n", "bais", "bais"],
  [kInNode, "type: linear, in: x, units: 8, kernel: 3", "kernel", "kernel"],
  [kInNode, "type: linear, in: x, units: wide", "wide", "integer"],
  [kInNode, "type: linear, in: x, units: 0", "units: 0", "1"],
  [kInNode, "type: linear, in: x, units:", "units:}", "integer"],
  [kInNode, "type: linear, in: x", "  e:", "units"],
  [kInNode, "type: linaer, in: x, units: 8", "linaer", "linear"],
  [kInNode, "type: linear, use: block.yaml, in: x, units: 8", "use:", "type"],
  ["activation: relu", "activation: rleu", "rleu", "relu"],
  ["mu: q.mu", "mean: q.mu", "mean:", "mean"],
  ["batch: 16", "batchs: 16", "batchs", "batchs"],
  ["batch: 16", "batch: many", "many", "integer"],
  ["type: adam", "type: adam, momentum: 0.9", "momentum", "momentum"],
  ["type: adam", "type: adamm", "adamm", "adam"],
  ["show: y", "shown: y", "shown", "shown"],
  ["graph: small", "grpah: small", "grpah", "grpah"],
];

const kRight = {
  "a graph": kGraph,
  "a graph with expressions": kGraph.replace("graph: small", "vars: {n: 4}").replace("units: 8", 'units: "${2 * n}"'),
  "a graph that extends another":
    "extends: graph.yaml\nnodes: {e: {activation: null, units: 4}, y: null, " +
    "q: {type: activation, in: {x: e, mu: null}, dim: null, function: relu}}\n" +
    "losses: {fit: {type: null, of: e, in: null, weight: 2}}\nobjectives: null\n",
  "a graph with values that are not set": kGraph.replace("train: ", "objectives:\ntrain: ").replace("relu", "null"),
};

let checks = 0, failures = 0, documents = 0;

function check(holds, ...what) {
  ++checks;
  if (holds) return;
  ++failures;
  console.log("FAILED:", ...what);
}

function changed(place, text) {
  const document = kGraph.replace(place, () => text);
  if (document === kGraph) throw new Error(`nothing is changed: ${place}`);
  return document;
}

const server = new LanguageServer(program, {
  yaml: { validate: true, completion: true, hover: true, schemaStore: { enable: false } },
});

// Opens a document whose first line names the schema; its lines are counted from 0 without that one.
async function open(document, path = schema) {
  const cursor = document.indexOf("|"), before = document.slice(0, Math.max(cursor, 0)).split("\n");
  const uri = pathToFileURL(join(process.cwd(), `document${++documents}.yaml`)).href;
  const text = cursor < 0 ? document : document.slice(0, cursor) + document.slice(cursor + 1);
  const found = await server.open(uri, `# yaml-language-server: $schema=${path}\n${text}`);
  return {
    uri,
    position: { line: before.length, character: before.at(-1).length },
    diagnostics: found.map(({ range, message }) => ({ line: range.start.line - 1, message })),
  };
}

async function is_right(name, document, path = schema) {
  for (const { line, message } of (await open(document, path)).diagnostics)
    check(false, `${name}: ${message}: ${document.split("\n")[line]}`);
  check(true);
}

async function check_completion() {
  for (const [place, text, offered, not_offered] of kCompletions) {
    const { uri, position } = await open(changed(place, text));
    const { items } = await server.completion(uri, position);
    const labels = items.map(({ label }) => label), all = labels.join(" ");
    for (const label of offered) check(labels.includes(label), `'${text}' does not offer ${label}, but: ${all}`);
    for (const label of not_offered) check(!labels.includes(label), `'${text}' offers ${label}`);
    if (text.includes(" un|")) {
      const units = items.find(({ label }) => label === "units");
      check(units?.documentation === unitsDoc, `completion shows of units: ${JSON.stringify(units?.documentation)}`);
    }
  }
}

async function check_mistakes() {
  for (const [place, text, where, word] of kMistakes) {
    const document = changed(place, text);
    const line = document.split("\n").findIndex((each) => each.includes(where));
    const { diagnostics } = await open(document);
    const is_meant = (found) => found.line === line && found.message.includes(word);
    check(diagnostics.some(is_meant), `'${text}' is not flagged, or with another message:`, diagnostics);
    check(diagnostics.every((found) => found.line === line), `'${text}': other lines are flagged, too:`, diagnostics);
  }
  const { diagnostics } = await open(changed("batch: 16", "batch: many"), basename(schema));
  check(diagnostics.length > 0, "a schema whose path is relative to the document is not read");
}

async function check_right_ones() {
  for (const [name, document] of Object.entries(kRight)) await is_right(name, document);
  await is_right("a path relative to the document", kGraph, basename(schema));
  const names = readdirSync(graphs, { recursive: true }).filter((name) => name.endsWith(".yaml"));
  check(names.length >= 20, `${graphs} has only ${names.length} graphs`);
  for (const name of names) await is_right(name, readFileSync(join(graphs, name), "utf8"));
}

async function check_hover() {
  const { uri, position } = await open(changed(kInNode, "type: linear, in: x, uni|ts: 8"));
  const shown = JSON.stringify(await server.hover(uri, position));
  check(shown.includes(JSON.stringify(unitsDoc).slice(1, -1)), `hovering over units shows ${shown}, not '${unitsDoc}'`);
}

const limit = setTimeout(() => {
  console.log(`FAILED: no answer from ${program} within ${kSeconds} seconds`);
  server.stop();
  process.exit(1);
}, kSeconds * 1000);
try {
  await server.start(process.cwd());
  await check_completion();
  await check_mistakes();
  await check_right_ones();
  await check_hover();
} catch (error) {
  check(false, error.message);
}
clearTimeout(limit);
server.stop();
console.log(`${documents} documents, ${checks} checks, ${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;
