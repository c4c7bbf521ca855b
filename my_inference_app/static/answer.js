/** Draws the selected image and its answer into the page. The service fills in the same elements without JavaScript. */

import { confidence, percent } from "./confidence.js";
import { size } from "./prepare.js";

const get = (id) => document.getElementById(id);

export function words(entry) {
  const { state, step, progress, seconds } = entry;
  if (state === "queued") return "Waiting for its turn";
  if (state === "cancelled") return "Cancelled";
  if (state === "failed") return entry.error.message;
  if (state === "done") return inWords(entry.answer);
  if (step === "sending") return `Sending, ${Math.round(progress * 100)} %`;
  if (step === "waiting") return `The service is busy. It tries again by itself in ${seconds} s`;
  return step === "computing" ? "Looking at it" : "Preparing";
}

function inWords(answer) {
  const [best] = answer.predictions;
  return `${confidence(answer).hedge} ${best.label}, ${percent(best.score)}`.trim();
}

export function draw(entry, onLabel) {
  get("result").hidden = false;
  drawPicture(entry);
  const { state, error, answer } = entry;
  get("failed").hidden = state !== "failed";
  get("message").textContent = error?.message ?? "";
  get("request").hidden = !error?.requestId;
  get("request-id").textContent = error?.requestId ?? "";
  get("working").hidden = state === "done" || state === "failed";
  get("step").textContent = words(entry);
  const bar = get("progress");
  bar.hidden = state !== "working" || entry.step === "waiting";
  if (entry.step === "sending") bar.value = entry.progress;
  else bar.removeAttribute("value");
  get("cancel").hidden = state === "cancelled";
  get("again").hidden = state !== "cancelled" && state !== "failed";
  get("answer").hidden = state !== "done";
  if (state === "done" && get("answer").shown !== answer) {
    get("answer").shown = answer;
    drawAnswer(entry, onLabel);
  }
}

function drawPicture(entry) {
  const image = get("preview");
  if (image.entry !== entry) {
    if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
    image.entry = entry;
    get("frame").hidden = true;
  }
  if (!image.getAttribute("src") && entry.file) {
    image.onerror = () => (get("frame").hidden = true); // this browser cannot show it
    image.src = URL.createObjectURL(entry.file);
    image.alt = entry.name;
    get("frame").hidden = false;
  }
  get("fetched").hidden = !entry.url;
  get("file").textContent = entry.name;
  get("facts").textContent = entry.file ? size(entry.file.size) : "";
  get("shrunk").textContent = entry.sent?.note ?? "";
}

function drawAnswer(entry, onLabel) {
  const { predictions, model, version } = entry.answer;
  const { level, hedge, note } = confidence(entry.answer);
  get("answer").dataset.level = level;
  get("hedge").textContent = hedge;
  get("best").textContent = predictions[0].label;
  get("note").textContent = note;
  get("rows").replaceChildren(...predictions.map((prediction) => row(prediction, onLabel)));
  const rest = 1 - predictions.reduce((sum, { score }) => sum + score, 0);
  get("rest").textContent = rest >= 0.0005 ? `All other labels together: ${percent(rest)}` : "";
  get("model-name").textContent = version ? `${model}, version ${version}` : model;
  get("timing").textContent = timing(entry.timing);
}

function row({ label, score, class_id }, onLabel) {
  const item = get("row").content.cloneNode(true).firstElementChild;
  item.querySelector(".guess").textContent = label;
  item.querySelector(".score").textContent = percent(score);
  item.querySelector("rect").setAttribute("width", `${score * 100}%`);
  const button = item.querySelector("button");
  button.dataset.classId = class_id;
  button.addEventListener("click", () => onLabel(class_id, label));
  return item;
}

/** "decode;dur=1.50, queue;dur=0.00, infer;dur=20.12" in words. */
function timing(header) {
  const names = { decode: "decode", queue: "queue", infer: "compute" };
  const parts = [...header.matchAll(/(\w+);dur=([\d.]+)/g)].filter(([, name]) => names[name]);
  return parts.map(([, name, ms]) => `${names[name]} ${Number(ms).toFixed(1)} ms`).join(" · ");
}
