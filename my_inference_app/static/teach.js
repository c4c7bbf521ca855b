/** The page to teach on: sends the photos as they come, asks how good a model would be, has it made, and tries it. */

import { prepare } from "./prepare.js";
import { Api } from "./teach_api.js";
import { Classes } from "./teach_classes.js";
import { clear, drawReport, percent, row } from "./teach_report.js";

const get = (id) => document.getElementById(id);
const FEWEST = 2;
const LOOK = 700; // milliseconds between looks at what the service does
const SETTLE = 800; // milliseconds without a change before an estimate is asked for
const EDGE = 480; // the shorter side of a photo that is shrunk is four times as long
const mostBytes = Number(document.querySelector("main").dataset.mostBytes);

const api = new Api(() => get("api_key")?.value.trim() ?? "");
const classes = new Classes(changed, removed);
let name = "";
let running = Promise.resolve(); // all requests that change something, one after the other
let watched = null; // the estimate that is being made
let timer;
let version = 0; // of the photos: an estimate of older ones is not shown

function changed() {
  version += 1;
  clearTimeout(timer);
  get("teach").disabled = !ready();
  if (name) timer = setTimeout(() => then(send), 0);
}

function removed(label, photo) {
  if (name && label) then(() => api.remove(name, label, photo).catch(() => {})); // it may be gone already
}

/** Waits for what runs. A failure is shown, and what follows goes on. */
function then(work) {
  running = running.then(work).catch(fail);
  return running;
}

function fail(error) {
  get("message").textContent = error.message;
  get("failed").hidden = false;
}

async function send() {
  get("failed").hidden = true;
  for (const group of classes.list.filter(({ label }) => label)) {
    for (const photo of group.photos.filter(({ state }) => state === "queued")) await put(group, photo);
  }
  get("sending").textContent = "";
  get("teach").disabled = !ready();
  settle();
}

function settle() {
  clearTimeout(timer);
  if (ready()) timer = setTimeout(() => then(estimate), SETTLE);
}

async function put(group, photo) {
  get("sending").textContent = `Sending ${photo.file.name}`;
  classes.mark(group, photo, "sending");
  try {
    const { blob } = await prepare(photo.file, EDGE, mostBytes);
    const answer = await api.put(name, group.label, blob);
    photo.id = answer.results[0].photo;
    group.there = answer.classes[group.label] ?? 0;
    classes.mark(group, photo, "sent");
  } catch (error) {
    classes.mark(group, photo, "failed", error.message);
    error.message = `${photo.file.name}: ${error.message}`;
    fail(error);
    if (error.code === "unauthorized" || error.code === "forbidden" || error.code === "unreachable") {
      for (const other of classes.list) for (const left of other.photos) if (left.state === "queued") classes.mark(other, left, "failed");
    }
  }
}

function ready() {
  const full = classes.list.filter(({ label, there }) => label && there >= FEWEST);
  return Boolean(name) && full.length >= FEWEST && full.length === classes.list.filter(({ there }) => there).length;
}

/** One at a time. Photos may be sent meanwhile, and then another follows. */
async function estimate() {
  if (watched || !ready()) return;
  const asked = version;
  get("verdict").textContent = "Looking at the photos…";
  await api.teach(name, true);
  watched = watch(asked).catch(fail).finally(() => {
    watched = null;
    if (asked !== version) settle();
  });
}

async function watch(asked) {
  const found = await outcome((text) => (get("interval").textContent = text));
  if (asked !== version) return;
  clear();
  if (found.state === "failed") get("verdict").textContent = found.error;
  else drawReport(found.last_estimate, nameOf);
}

/** The service calls a photo `class/hash.jpg`. */
function nameOf(file) {
  const id = file.split("/").at(-1).split(".")[0];
  return classes.list.flatMap(({ photos }) => photos).find((photo) => photo.id === id)?.file.name ?? file;
}

/** What the service says once it has finished. */
async function outcome(say) {
  for (;;) {
    const found = await api.photos(name);
    if (found.state === "done" || found.state === "failed") return found;
    say(found.progress || "Waiting…");
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

function say(text) {
  get("progress-text").textContent = text;
}

function start() {
  get("failed").hidden = true;
  get("progress").hidden = false;
  get("teach").disabled = true;
  say("Teaching…");
  then(teach);
}

async function teach() {
  try {
    await watched;
    clearTimeout(timer);
    await again();
    await api.teach(name, false);
    const found = await outcome(say);
    if (found.state === "failed") throw new Error(`${found.error}.`);
    clear();
    drawReport(found.report, nameOf);
    say(`${name} is served now, as version ${found.report.version}.`);
    offer();
  } catch (error) {
    say("");
    throw error;
  } finally {
    get("progress").hidden = true;
    get("teach").disabled = !ready();
  }
}

/** The service forgets photos once their model is made: what it lacks is sent again. */
async function again() {
  const there = (await api.find(name))?.classes ?? {};
  for (const group of classes.list) {
    group.there = there[group.label] ?? 0;
    const sent = group.photos.filter(({ state }) => state === "sent");
    if (group.there < sent.length) for (const photo of sent) classes.mark(group, photo, "queued");
  }
  for (const group of classes.list) for (const photo of group.photos) if (photo.state === "queued") await put(group, photo);
}

function offer() {
  get("try").hidden = false;
  const key = get("api_key") ? "-H 'X-API-Key: KEY' " : "";
  get("snippet").textContent = `curl -F image=@photo.jpg ${key}${location.origin}/predict/${name}`;
}

async function tryIt(file) {
  const image = get("tried");
  if (image.src) URL.revokeObjectURL(image.src);
  Object.assign(image, { src: URL.createObjectURL(file), alt: file.name, hidden: false });
  get("wait").textContent = "Looking at it…";
  get("rows").replaceChildren();
  try {
    const { blob } = await prepare(file, EDGE, mostBytes);
    const { predictions } = await api.predict(name, blob);
    get("wait").textContent = `${predictions[0].label}, ${percent(predictions[0].score, 1)}`;
    get("rows").replaceChildren(...predictions.map(({ label, score }) => row(label, score, 1)));
  } catch (error) {
    get("wait").textContent = error.message;
  }
}

/** A model that is there already brings its classes along. */
async function open() {
  const field = get("name");
  name = "";
  if (!field.value || !field.reportValidity()) return changed();
  const wanted = field.value;
  const found = await api.find(wanted);
  name = wanted;
  get("try").hidden = true;
  if (found?.served) offer();
  classes.restart();
  for (const [label, there] of Object.entries(found?.classes ?? {})) {
    const free = classes.list.find((group) => group.label === label) ?? classes.list.find((group) => !group.label && !group.photos.length);
    const group = free ?? classes.add();
    group.label = group.element.querySelector(".label").value = label;
    group.there = there;
    classes.draw(group);
  }
  changed();
}

for (let number = 0; number < FEWEST; number++) classes.add();
get("name").addEventListener("change", () => then(open));
get("api_key")?.addEventListener("change", () => (name ? classes.restart() : then(open)));
get("teach").addEventListener("click", start);
get("image").addEventListener("change", ({ target }) => {
  if (target.files.length) tryIt(target.files[0]);
  target.value = "";
});
document.documentElement.classList.add("js");
