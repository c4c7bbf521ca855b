/** Makes the form answer without loading the page again. Without this script it works as a plain form. */

import { draw, words } from "./answer.js";
import { Explanation } from "./explanation.js";
import { drawThumbnail } from "./history.js";
import { Session } from "./session.js";
import { listen as listenForCopies } from "./snippets.js";
import { listen as listenForImages } from "./take.js";

const get = (id) => document.getElementById(id);
const form = get("form");
const { api_key: keyField, model: modelField } = form.elements;
const edges = new Map(); // by model: the shorter side that it looks at
const PATIENCE = 3000; // milliseconds
const key = () => keyField?.value.trim() ?? "";
let learned = learnModels();

async function settings() {
  await learned;
  const { topK, mostBytes } = form.dataset;
  const model = modelField.value;
  return { key: key(), model, edge: edges.get(model) ?? 0, mostBytes: Number(mostBytes), topK };
}

function say(text) {
  get("status").textContent = "";
  requestAnimationFrame(() => (get("status").textContent = text));
}

function changed(entry) {
  document.documentElement.classList.add("has-images");
  drawThumbnail(entry, session);
  if (entry === session.selected) {
    if (shown !== entry || entry.state !== "done") explanation.hide();
    shown = entry;
    draw(entry, (classId, label) => explanation.toggle(entry, classId, label));
    if (entry.state === "done") {
      explanation.offer(entry);
      drawSnippet();
    }
  }
  const told = entry.state === "working" ? entry.step === "waiting" && "waiting" : entry.state;
  const alerted = told === "failed" && entry === session.selected; // the error itself is an alert
  if (told && told !== "queued" && entry.told !== told && !alerted) say(`${entry.name}: ${words(entry)}`);
  entry.told = told;
}

/** Fills in the models, and what each looks at. Without the right key the service does not name them. */
async function learnModels() {
  if (keyField && !key()) return;
  const headers = keyField ? { "X-API-Key": key() } : {};
  try {
    const response = await fetch("models", { headers, cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!response.ok) return;
    const { models } = await response.json();
    for (const { name, versions } of models) {
      const { size, shortest_edge } = versions[0].input;
      edges.set(name, shortest_edge ?? Math.max(...size));
    }
    const before = modelField.value;
    modelField.replaceChildren(...models.map(({ name }) => new Option(name, name, false, name === before)));
    modelField.disabled = false;
    get("models").hidden = models.length < 2;
    get("only-model").hidden = models.length !== 1;
    get("only-model").textContent = models[0].name;
  } catch {
    // The page works without: nothing is shrunk, and the default model answers.
  }
}

let shown = null;
const session = new Session(settings, changed);
const explanation = new Explanation(session, say);
const drawSnippet = listenForCopies(() => ({ entry: session.selected, model: modelField.value, keyed: Boolean(keyField) }), say);

listenForImages(form, (sources) => session.add(sources));
get("cancel").addEventListener("click", () => session.cancel(session.selected));
get("again").addEventListener("click", () => session.retry(session.selected));
modelField.addEventListener("change", () => session.selected && session.retry(session.selected));
keyField?.addEventListener("change", () => {
  learned = learnModels();
  session.retryAll("unauthorized");
});
document.documentElement.classList.add("js");
