/** The classes on the page, each with its photos. The photos stay in this tab, and a copy goes to the service. */

const SIDE = 96;
const get = (id) => document.getElementById(id);

export class Classes {
  list = [];

  /** `changed()` is called when something is to be sent; `removed(label, photo)` when something was taken out. */
  constructor(changed, removed) {
    this.changed = changed;
    this.removed = removed;
    get("more").addEventListener("click", () => this.add().element.querySelector(".label").focus());
    for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => event.preventDefault());
  }

  add(label = "") {
    const element = get("class").content.cloneNode(true).firstElementChild;
    const group = { element, photos: [], there: 0, label };
    const field = element.querySelector(".label");
    const input = element.querySelector("input[type=file]");
    field.value = label;
    input.id = `photos-${this.list.length}-${Date.now()}`;
    input.nextElementSibling.htmlFor = input.id;
    field.addEventListener("change", () => this.#rename(group, field.value.trim()));
    input.addEventListener("change", () => {
      this.#take(group, input.files);
      input.value = ""; // the same file can be chosen again
    });
    element.querySelector(".remove").addEventListener("click", () => this.#remove(group));
    listenForDrops(element, (files) => this.#take(group, files));
    this.list.push(group);
    get("classes").append(element);
    this.draw(group);
    return group;
  }

  draw(group) {
    const { element, photos, there, label } = group;
    const number = this.list.indexOf(group) + 1;
    const sent = photos.filter(({ state }) => state !== "failed").length;
    const total = Math.max(sent, there);
    element.querySelector("legend").textContent = label || `Class ${number}`;
    element.querySelector(".count").textContent = total === 1 ? "1 photo" : `${total} photos`;
    element.querySelector("input[type=file]").setAttribute("aria-label", `Photos of ${label || `class ${number}`}`);
    element.querySelector(".remove").setAttribute("aria-label", `Remove ${label || `class ${number}`}`);
  }

  /** All photos are to be sent again, to a model of another name. */
  restart() {
    for (const group of this.list) {
      group.there = 0;
      for (const photo of group.photos) this.mark(group, photo, "queued");
    }
    this.changed();
  }

  mark(group, photo, state, message = "") {
    Object.assign(photo, { state });
    photo.element.dataset.state = state;
    photo.element.title = message;
    this.draw(group);
  }

  #take(group, files) {
    for (const file of files) {
      const element = get("photo").content.cloneNode(true).firstElementChild;
      const photo = { file, element, id: "" };
      element.querySelector("canvas").setAttribute("aria-label", file.name);
      element.querySelector("canvas").setAttribute("role", "img");
      const button = element.querySelector("button");
      button.setAttribute("aria-label", `Remove ${file.name}`);
      button.addEventListener("click", () => this.#drop(group, photo));
      group.photos.push(photo);
      group.element.querySelector(".photos").append(element);
      this.mark(group, photo, "queued");
      drawThumbnail(element.querySelector("canvas"), file);
    }
    if (!group.label && files.length) group.element.querySelector(".label").focus();
    this.changed();
  }

  #drop(group, photo) {
    group.photos.splice(group.photos.indexOf(photo), 1);
    photo.element.remove();
    group.element.querySelector("input[type=file]").focus();
    if (photo.state === "sent") {
      group.there -= 1;
      this.removed(group.label, photo.id);
    }
    this.draw(group);
    this.changed();
  }

  #rename(group, label) {
    const before = group.label;
    if (label === before) return;
    Object.assign(group, { label, there: 0 });
    if (before && group.photos.some(({ state }) => state === "sent")) this.removed(before, "");
    for (const photo of group.photos) this.mark(group, photo, "queued");
    this.draw(group);
    this.changed();
  }

  #remove(group) {
    this.list.splice(this.list.indexOf(group), 1);
    group.element.remove();
    get("more").focus();
    if (group.label && (group.there || group.photos.some(({ state }) => state === "sent"))) this.removed(group.label, "");
    this.changed();
  }
}

function listenForDrops(element, take) {
  element.addEventListener("dragover", () => element.classList.add("over"));
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    element.classList.remove("over");
    take(event.dataTransfer.files);
  });
}

async function drawThumbnail(canvas, file) {
  try {
    const image = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.max(SIDE / image.width, SIDE / image.height);
    const [width, height] = [image.width * scale, image.height * scale];
    canvas.getContext("2d").drawImage(image, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    image.close();
  } catch {
    // This browser cannot show it: the service says what is wrong with it.
  }
}
