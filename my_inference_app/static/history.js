/** The images of this visit as a row of thumbnails. */

import { words } from "./answer.js";
import { percent } from "./confidence.js";

const SIDE = 112;
const list = document.getElementById("thumbnails");

/** Draws one entry, and the row if it is new. */
export function drawThumbnail(entry, session) {
  document.getElementById("history").hidden = session.entries.length < 2;
  for (let index = list.children.length; index < session.entries.length; index++) {
    session.entries[index].button = button(session.entries[index], session);
  }
  list.querySelector("[aria-current=true]")?.setAttribute("aria-current", "false");
  session.selected.button.setAttribute("aria-current", "true");
  entry.button.dataset.state = entry.state;
  entry.button.querySelector(".name").textContent = entry.name;
  const best = entry.answer?.predictions[0];
  entry.button.querySelector(".words").textContent = best ? `${percent(best.score)} ${best.label}` : words(entry);
  if (entry.file && !entry.thumbnail) draw(entry);
}

function button(entry, session) {
  const item = document.getElementById("thumbnail").content.cloneNode(true).firstElementChild;
  const found = item.querySelector("button");
  found.addEventListener("click", () => session.select(entry));
  list.append(item);
  return found;
}

/** A small copy: a row of whole photos would take gigabytes. */
async function draw(entry) {
  entry.thumbnail = true;
  const canvas = entry.button.querySelector("canvas");
  try {
    const image = await createImageBitmap(entry.file);
    const scale = SIDE / Math.min(image.width, image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    Object.assign(canvas, { width: SIDE, height: SIDE });
    canvas.getContext("2d").drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    image.close();
  } catch {
    entry.button.dataset.blank = "true"; // not an image, or not to this browser
  }
}
