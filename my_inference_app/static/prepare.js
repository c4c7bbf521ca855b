/** What is sent for a file: the file itself, or a smaller copy if the model cannot tell the difference. */

import { Failure } from "./post.js";

// A copy keeps this many times the pixels that the model sees along the shorter side.
const MARGIN = 4;
const WORTHWHILE = 400_000; // bytes
const QUALITY = 0.93;

/** Returns { blob, note }. `edge` is the shorter side of what the model sees; 0 if it is unknown. */
export async function prepare(file, edge, mostBytes) {
  const sent = (await shrunk(file, edge)) ?? { blob: file, note: "" };
  if (sent.blob.size > mostBytes) {
    const limit = `${size(mostBytes)} at most`;
    throw new Failure(`This file has ${size(file.size)}. The service takes ${limit}: make the image smaller.`, "payload_too_large");
  }
  try {
    await sent.blob.slice(0, 1).arrayBuffer();
  } catch {
    throw new Failure("This cannot be read: it is a folder, or a file that was moved.", "unreadable");
  }
  return sent;
}

export function size(bytes) {
  const megabytes = bytes / 2 ** 20;
  if (megabytes < 1) return `${Math.ceil(bytes / 1024)} KB`;
  return `${Number.isInteger(megabytes) ? megabytes : megabytes.toFixed(1)} MB`;
}

/** Only of a JPEG: other formats may be transparent, and are seldom large. */
async function shrunk(file, edge) {
  if (!edge || file.type !== "image/jpeg" || file.size < WORTHWHILE) return null;
  let image;
  try {
    // The service takes the numbers in the file as they are, whatever colour profile the file names.
    image = await createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  } catch {
    return null; // the service says what is wrong with it
  }
  const scale = (MARGIN * edge) / Math.min(image.width, image.height);
  const [width, height] = [image.width, image.height].map((side) => Math.round(side * scale));
  const blob = scale < 0.8 ? await drawn(image, width, height) : null;
  const from = `${image.width} × ${image.height}`;
  image.close();
  if (!blob || blob.size > file.size / 2) return null;
  const note = `Sent as ${width} × ${height} (${size(blob.size)} in place of ${size(file.size)}, ${from}): `;
  return { blob, size: [width, height], note: `${note}the model looks at ${edge} pixels, so this hardly matters to it.` };
}

async function drawn(image, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  if (!context || !honest(context)) return null;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}

/** Some browsers return noise from a canvas, against tracking. */
function honest(context) {
  context.fillStyle = "rgb(10, 120, 230)";
  context.fillRect(0, 0, 8, 8);
  const { data } = context.getImageData(0, 0, 8, 8);
  return data.every((value, index) => value === [10, 120, 230, 255][index % 4]);
}
