// A language server as an editor drives it: a program that speaks the Language Server Protocol over its standard
// streams.
import { spawn } from "node:child_process";
import { pathToFileURL } from "node:url";

export class LanguageServer {
  #process;
  #settings;
  #received = Buffer.alloc(0);
  #requests = 0;
  #ended; // why it answers no more
  #answers = new Map(); // number of a request: what settles its promise
  #diagnosed = new Map(); // uri: takes the diagnostics of the document
  #configured;
  #is_configured = new Promise((resolve) => (this.#configured = resolve));

  // `settings`: sections of the editor's settings, which the server asks for.
  constructor(program, settings) {
    this.#settings = settings;
    this.#process = spawn(program, ["--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#process.stdout.on("data", (bytes) => this.#take(bytes));
    this.#process.stdin.on("error", () => {}); // it has ended, which is reported as such
    this.#process.on("error", (error) => this.#refuse(error));
    this.#process.on("exit", (code) => this.#refuse(new Error(`the server ended with ${code}`)));
  }

  // Resolves once the server has its settings: with its own it would ask for schemas on the network.
  async start(folder) {
    const uri = pathToFileURL(folder).href;
    await this.#request("initialize", {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: "test" }],
      capabilities: {
        workspace: { configuration: true },
        textDocument: { completion: { completionItem: { snippetSupport: true } }, publishDiagnostics: {} },
      },
    });
    this.#send({ method: "initialized", params: {} });
    await this.#is_configured;
  }

  // Opens a document; resolves with its diagnostics.
  open(uri, text) {
    const textDocument = { uri, languageId: "yaml", version: 1, text };
    return this.#waits(this.#diagnosed, uri, { method: "textDocument/didOpen", params: { textDocument } });
  }

  // At a position of an open document, {line, character}, both counted from 0.
  completion(uri, position) { return this.#request("textDocument/completion", { textDocument: { uri }, position }); }
  hover(uri, position) { return this.#request("textDocument/hover", { textDocument: { uri }, position }); }

  stop() {
    this.#process.removeAllListeners("exit");
    this.#process.kill();
  }

  #request(method, params) {
    const id = ++this.#requests;
    return this.#waits(this.#answers, id, { id, method, params });
  }

  // Sends a message; the promise is settled by what arrives under this key.
  #waits(answers, key, message) {
    if (this.#ended) return Promise.reject(this.#ended);
    const answer = new Promise((resolve, reject) => answers.set(key, { resolve, reject }));
    this.#send(message);
    return answer;
  }

  #refuse(error) {
    this.#ended ??= error;
    for (const { reject } of [...this.#answers.values(), ...this.#diagnosed.values()]) reject(error);
  }

  #send(message) {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  // The stream is cut into pieces anywhere.
  #take(bytes) {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const head = this.#received.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = /content-length: *(\d+)/i.exec(this.#received.toString("latin1", 0, head));
      const end = head + 4 + Number(length[1]);
      if (this.#received.length < end) return;
      const message = JSON.parse(this.#received.toString("utf8", head + 4, end));
      this.#received = this.#received.subarray(end);
      this.#handle(message);
    }
  }

  #handle({ id, method, params, result, error }) {
    if (method === undefined) {
      const { resolve, reject } = this.#answers.get(id);
      this.#answers.delete(id);
      error ? reject(new Error(error.message)) : resolve(result);
    } else if (method === "textDocument/publishDiagnostics") {
      this.#diagnosed.get(params.uri)?.resolve(params.diagnostics);
    } else if (method === "workspace/configuration") {
      this.#send({ id, result: params.items.map(({ section }) => this.#settings[section] ?? {}) });
      this.#configured();
    } else if (id !== undefined) {
      this.#send({ id, result: null }); // it registers what it can do: nothing to answer
    }
  }
}
