/** POST with upload progress. It can be cancelled, and repeats itself while the service is busy. */

const BUSY = new Set([429, 502, 503]);
const MOST_TRIES = 10;
const LONGEST_WAIT = 60;

/** A failure in words for people. `code` is the service's, or "offline" or "unreachable". */
export class Failure extends Error {
  constructor(message, code = "", requestId = "") {
    super(message);
    Object.assign(this, { code, requestId });
  }
}

/** Returns { json, header(name) } of a successful response, or throws a Failure or an AbortError. */
export async function post(address, body, options) {
  for (let tries = 1; ; tries++) {
    const response = await send(address, body, options);
    if (response.status === 200 && response.json) return response;
    const seconds = Number(response.header("Retry-After"));
    const again = BUSY.has(response.status) && seconds > 0 && seconds <= LONGEST_WAIT;
    if (!again || tries === MOST_TRIES) throw failureOf(response);
    await pause(seconds, options);
  }
}

function send(address, body, { key, type, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Content-Type", type);
    if (key) request.setRequestHeader("X-API-Key", key);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(signal.reason);
    request.onload = () =>
      resolve({
        status: request.status,
        json: parsed(request.responseText),
        header: (name) => request.getResponseHeader(name) ?? "",
      });
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unreachable() {
  return navigator.onLine
    ? new Failure("The service cannot be reached. Check that it runs, then try again.", "unreachable")
    : new Failure("You are offline. The image is sent as soon as you are online again.", "offline");
}

function failureOf({ status, json, header }) {
  if (status === 401) return new Failure("The API key is missing or wrong: enter a key of this service.", "unauthorized");
  const error = json?.error;
  if (!error?.message) return new Failure(`The service answered with HTTP status ${status}. Try again later.`);
  const message = error.message.replace(/^./u, (letter) => letter.toUpperCase());
  return new Failure(/[.!?]$/.test(message) ? message : `${message}.`, error.code, status === 500 && header("X-Request-ID"));
}

/** Waits, and reports the seconds that are left. */
function pause(seconds, { signal, onWait }) {
  return new Promise((resolve, reject) => {
    let left = Math.ceil(seconds);
    onWait(left);
    const timer = setInterval(() => {
      left -= 1;
      if (left > 0) return onWait(left);
      clearInterval(timer);
      resolve();
    }, 1000);
    const stop = () => {
      clearInterval(timer);
      reject(signal.reason);
    };
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}
