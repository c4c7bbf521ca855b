/** The requests of the page to teach on. A busy service is asked again by itself. */

import { Failure } from "./post.js";

const BUSY = new Set([429, 502, 503]);
const MOST_TRIES = 60;
const LONGEST_WAIT = 30;

/** `key()` gives the key that is entered, if any. */
export class Api {
  constructor(key) {
    this.key = key;
  }

  photos(name) {
    return this.#ask("GET", `teach/${name}`);
  }

  /** What is known of a model, if there is one of this name. */
  async find(name) {
    const { models } = await this.#ask("GET", "teach");
    return models.find((model) => model.name === name);
  }

  put(name, label, blob) {
    return this.#ask("PUT", `teach/${name}/${encodeURIComponent(label)}`, blob);
  }

  teach(name, estimate) {
    return this.#ask("POST", `teach/${name}${estimate ? "?estimate=1" : ""}`);
  }

  remove(name, label, photo) {
    return this.#ask("DELETE", `teach/${name}/${encodeURIComponent(label)}${photo ? `/${photo}` : ""}`);
  }

  predict(name, blob) {
    return this.#ask("POST", `predict/${name}`, blob);
  }

  async #ask(method, address, body) {
    for (let tries = 1; ; tries++) {
      const response = await this.#send(method, address, body);
      if (response.ok) return response.json();
      const seconds = Number(response.headers.get("Retry-After"));
      if (!BUSY.has(response.status) || !seconds || tries === MOST_TRIES) throw await failureOf(response);
      await new Promise((resolve) => setTimeout(resolve, Math.min(seconds, LONGEST_WAIT) * 1000));
    }
  }

  async #send(method, address, body) {
    const headers = { Accept: "application/json" };
    if (this.key()) headers["X-API-Key"] = this.key();
    if (body) headers["Content-Type"] = body.type || "application/octet-stream";
    try {
      return await fetch(address, { method, body, headers, cache: "no-store" });
    } catch {
      throw new Failure("The service cannot be reached. Check that it runs, then try again.", "unreachable");
    }
  }
}

async function failureOf(response) {
  const { error } = await response.json().catch(() => ({}));
  const message = (error?.message ?? `the service answered with HTTP status ${response.status}`).replace(/^./u, (letter) => letter.toUpperCase());
  return new Failure(`${message}.`, error?.code);
}
