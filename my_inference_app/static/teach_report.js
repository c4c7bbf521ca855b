/** Draws what the service says about a model: how good it is, for which classes, and what would help. */

const MOST_DOUBTFUL = 8;
const get = (id) => document.getElementById(id);
export const percent = (value, digits = 0) => `${(value * 100).toFixed(digits)} %`;

/** One row with a bar. */
export function row(label, score, digits) {
  const item = document.createElement("li");
  item.className = "row";
  const [name, number] = ["guess", "score"].map((kind) => Object.assign(document.createElement("span"), { className: kind }));
  name.textContent = label;
  name.dir = "auto";
  number.textContent = percent(score, digits);
  const bar = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  bar.setAttribute("class", "bar");
  bar.setAttribute("aria-hidden", "true");
  rect.setAttribute("width", `${score * 100}%`);
  rect.setAttribute("height", "100%");
  bar.append(rect);
  item.append(name, number, bar);
  return item;
}

const items = (texts) => texts.map((text) => Object.assign(document.createElement("li"), { textContent: text }));

export function clear() {
  for (const id of ["verdict", "interval"]) get(id).textContent = "";
  for (const id of ["by-class", "advice"]) get(id).replaceChildren();
  get("doubtful").hidden = true;
}

/** `nameOf(file)` is what the user calls a photo that the service knows as `class/hash.jpg`. */
export function drawReport(report, nameOf) {
  const [low, high] = report.interval;
  const accuracy = Object.assign(document.createElement("b"), { textContent: percent(report.accuracy) });
  get("verdict").replaceChildren("It would be right for about ", accuracy, " of new photos like these.");
  get("interval").textContent = `With ${report.photos} photos that is an estimate: between ${percent(low)} and ${percent(high)}.`;
  get("by-class").replaceChildren(...report.classes.map(({ label, accuracy: share }) => row(label, share)));
  get("advice").replaceChildren(...items(report.advice));
  const doubtful = report.suspicious.map(({ file, label, looks_like }) => `${nameOf(file)}, in ${label}, looks like ${looks_like}`);
  get("doubtful").hidden = !doubtful.length;
  get("doubtful").querySelector("ul").replaceChildren(...items(doubtful.slice(0, MOST_DOUBTFUL)));
}
