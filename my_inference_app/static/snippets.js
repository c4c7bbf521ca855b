/** The shown answer as JSON, and the request for it as curl and as Python, to be copied. */

const get = (id) => document.getElementById(id);
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The text of one kind. A key never gets into it. */
export function snippet(kind, entry, { model, keyed }) {
  if (kind === "json") return JSON.stringify(entry.answer, null, 2);
  const address = new URL("predict", location.href);
  if (model) address.searchParams.set("model", model);
  return kind === "curl" ? curl(entry, address.href, keyed) : python(entry, address.href, keyed);
}

function curl({ name, url }, address, keyed) {
  const header = keyed ? "-H 'X-API-Key: YOUR_KEY' " : "";
  const image = url ? `--json ${quoted(JSON.stringify({ url }))}` : `--data-binary ${quoted(`@${name}`)}`;
  return `curl ${header}${image} ${quoted(address)}`;
}

function python({ name, url }, address, keyed) {
  const text = JSON.stringify;
  const header = keyed ? ', headers={"X-API-Key": "YOUR_KEY"}' : "";
  const call = (body) => `response = requests.post(${text(address)}, ${body}${header}, timeout=60)`;
  const send = url
    ? call(`json={"url": ${text(url)}}`)
    : `with open(${text(name)}, "rb") as image:\n    ${call("data=image")}`;
  return `import requests\n\n${send}\nresponse.raise_for_status()\nfor prediction in response.json()["predictions"]:\n    print(f"{prediction['score']:.1%}  {prediction['label']}")\n`;
}

/** Shows a kind in the box, and copies what is shown. */
export function listen(current, say) {
  const buttons = [...get("code").querySelectorAll("button[data-kind]")];
  let kind = "json";
  const draw = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
    const { entry, ...options } = current();
    if (entry?.answer) get("snippet").textContent = snippet(kind, entry, options);
  };
  for (const button of buttons) {
    button.addEventListener("click", () => {
      kind = button.dataset.kind;
      draw();
    });
  }
  get("copy").addEventListener("click", async () => {
    const copied = await copy(get("snippet"));
    say(copied ? "Copied" : "Press Ctrl-C to copy");
    get("copied").textContent = copied ? "Copied" : "Press Ctrl-C";
    setTimeout(() => (get("copied").textContent = ""), 2000);
  });
  return draw;
}

/** Browsers allow the clipboard to pages over HTTPS and of this machine only. Others get the text selected. */
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    element.focus();
    return document.execCommand("copy");
  }
}
