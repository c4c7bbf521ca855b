/** The map of one label, over the image: where the model saw it. */

const get = (id) => document.getElementById(id);
const PLACES = ["top", "middle", "bottom"];
const SIDES = ["left", "centre", "right"];

export class Explanation {
  #shown = null; // { entry, classId }

  constructor(session, say) {
    this.session = session;
    this.say = say;
    this.unavailable = new Set(); // models
    get("strength").addEventListener("input", ({ target }) => (get("heat").style.opacity = target.value / 100));
    get("preview").addEventListener("load", () => this.#place());
  }

  /** Shows the map of a label, or hides it if it is shown. */
  async toggle(entry, classId, label) {
    const same = this.#shown?.entry === entry && this.#shown.classId === classId;
    this.hide();
    if (same) return;
    this.#shown = { entry, classId };
    this.#press(classId);
    try {
      const found = await this.session.explain(entry, classId);
      if (this.#shown?.entry !== entry || this.#shown.classId !== classId) return;
      this.#show(found, label);
    } catch (error) {
      this.hide();
      if (error.code === "explanation_unavailable") this.unavailable.add(entry.answer.model);
      get("why").textContent = error.message;
      this.say(error.message);
    }
    this.offer(entry);
  }

  /** Whether labels can be clicked depends on the model. */
  offer(entry) {
    const possible = !this.unavailable.has(entry.answer.model);
    for (const button of get("rows").querySelectorAll("button")) button.disabled = !possible;
    get("hint").hidden = !possible;
  }

  hide() {
    this.#shown = null;
    this.#press(null);
    get("heat").hidden = true;
    get("map").hidden = true;
    get("why").textContent = "";
  }

  #show({ image, box, grid }, label) {
    this.box = box;
    const heat = get("heat");
    heat.src = image;
    heat.hidden = false;
    heat.style.opacity = get("strength").value / 100;
    this.#place();
    get("map").hidden = false;
    get("map-label").textContent = label;
    this.say(`The map of ${label} is shown. It is strongest ${strongest(grid)}.`);
  }

  /** The box is in pixels of the image that was sent, which may be a smaller copy of the one shown. */
  #place() {
    const { naturalWidth, naturalHeight } = get("preview");
    const sent = this.#shown?.entry.sent;
    if (!this.box || !naturalWidth || !sent) return;
    const [width, height] = sent.size ?? [naturalWidth, naturalHeight];
    const [left, top, right, bottom] = this.box;
    Object.assign(get("heat").style, {
      left: `${(100 * left) / width}%`,
      top: `${(100 * top) / height}%`,
      width: `${(100 * (right - left)) / width}%`,
      height: `${(100 * (bottom - top)) / height}%`,
    });
  }

  #press(classId) {
    for (const button of get("rows").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.classId) === classId));
    }
  }
}

function strongest(grid) {
  const cells = grid.flatMap((row, y) => row.map((value, x) => ({ value, x, y })));
  const { x, y } = cells.reduce((best, cell) => (cell.value > best.value ? cell : best));
  const third = (position, length) => Math.min(2, Math.floor((3 * (position + 0.5)) / length));
  return `at the ${PLACES[third(y, grid.length)]} ${SIDES[third(x, grid[0].length)]}`;
}
