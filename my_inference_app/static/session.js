/** The images of this visit, one after the other on their way to an answer. They exist in this tab only. */

import { Failure, post } from "./post.js";
import { prepare } from "./prepare.js";

export class Session {
  entries = [];
  selected = null;
  #busy = false;

  /** `settings()` promises { key, model, edge, mostBytes, topK }; `changed(entry)` draws an entry. */
  constructor(settings, changed) {
    this.settings = settings;
    this.changed = changed;
    addEventListener("online", () => this.retryAll("offline"));
  }

  add(sources) {
    const added = sources.map((source) => ({ ...source, state: "queued", explanations: new Map() }));
    this.entries.push(...added);
    if (added.length) this.select(added[0]);
    this.#work();
  }

  select(entry) {
    this.selected = entry;
    this.changed(entry);
  }

  /** Those that failed for one reason. */
  retryAll(code) {
    for (const entry of this.entries) if (entry.error?.code === code) this.retry(entry);
  }

  retry(entry) {
    if (entry.state === "working" || entry.state === "queued") return;
    Object.assign(entry, { state: "queued", error: null, answer: null, explanations: new Map() });
    this.changed(entry);
    this.#work();
  }

  cancel(entry) {
    if (entry.state === "queued") this.#set(entry, { state: "cancelled" });
    entry.abort?.abort();
  }

  /** The maps of one label of an answer: { image, box, grid }. */
  async explain(entry, classId) {
    const { explanations } = entry; // those of another model get a map of their own
    // A lone 1 would mean the most probable class.
    if (explanations.has(classId)) return explanations.get(classId);
    const { json } = await this.#post(entry, `&explain=${String(classId).padStart(2, "0")}`, new AbortController().signal, () => {});
    const found = json.explanations?.find((explanation) => explanation.class_id === classId);
    if (!found) throw new Failure("This service has no maps to show.", "explanation_unavailable");
    explanations.set(classId, found);
    return found;
  }

  async #work() {
    if (this.#busy) return;
    this.#busy = true;
    for (let entry; (entry = this.entries.find(({ state }) => state === "queued")); ) await this.#classify(entry);
    this.#busy = false;
  }

  async #classify(entry) {
    entry.abort = new AbortController();
    const { signal } = entry.abort;
    this.#set(entry, { state: "working", step: "preparing", progress: 0 });
    try {
      if (entry.address) entry.file = await (await fetch(entry.address, { signal })).blob();
      const { edge, mostBytes } = await this.settings();
      if (entry.file) entry.sent = await prepare(entry.file, edge, mostBytes);
      const { json, header } = await this.#post(entry, "", signal, (step) => this.#set(entry, step));
      this.#set(entry, { state: "done", answer: json, timing: header("Server-Timing") });
    } catch (error) {
      if (error.name === "AbortError") this.#set(entry, { state: "cancelled" });
      else this.#set(entry, { state: "failed", error: error instanceof Failure ? error : new Failure(`${error.message}.`) });
    }
  }

  async #post(entry, options, signal, report) {
    const { key, model, topK } = await this.settings();
    const address = `predict?top_k=${topK}${model ? `&model=${encodeURIComponent(model)}` : ""}${options}`;
    const body = entry.url ? JSON.stringify({ url: entry.url }) : entry.sent.blob;
    return post(address, body, {
      key,
      signal,
      type: entry.url ? "application/json" : "application/octet-stream",
      onProgress: (progress) => report({ step: progress < 1 ? "sending" : "computing", progress }),
      onWait: (seconds) => report({ step: "waiting", seconds }),
    });
  }

  #set(entry, values) {
    Object.assign(entry, values);
    this.changed(entry);
  }
}
