/** The ways an image gets onto the page: chosen, photographed, dropped, pasted, a sample, a URL. */

/** Calls add([{ name, file } or { name, url } or { name, address }]) with what the user gives. */
export function listen(form, add) {
  const files = (list) => add(Array.from(list, (file) => ({ name: file.name || "image", file })));
  for (const input of form.querySelectorAll("input[type=file]")) {
    input.multiple = !input.hasAttribute("capture");
    input.addEventListener("change", () => {
      if (input.files.length) files(input.files);
      input.value = ""; // the same file can be chosen again
    });
  }
  for (const button of form.querySelectorAll("button[name=sample]")) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      add([{ name: button.value, address: button.querySelector("img").src }]);
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const url = form.elements.url;
    if (url?.value.trim() && url.reportValidity()) {
      add([{ name: url.value.trim(), url: url.value.trim() }]);
      url.value = "";
    }
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length === 0) return; // text is for the field that has the focus
    event.preventDefault();
    files(event.clipboardData.files);
  });
  listenForDrops(form, files, add);
}

function listenForDrops(form, files, add) {
  const page = document.documentElement.classList;
  let timer; // a drag that goes on says so again and again, and one that is given up may end without a word
  const hide = () => page.remove("dragging");
  addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would open the file
    page.add("dragging");
    clearTimeout(timer);
    timer = setTimeout(hide, 600);
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    hide();
    const { files: dropped } = event.dataTransfer;
    const link = event.dataTransfer.getData("text/uri-list").split("\n")[0].trim();
    if (dropped.length) files(dropped);
    else if (/^https?:/.test(link) && form.elements.url) add([{ name: link, url: link }]);
  });
}
