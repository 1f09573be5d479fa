// What is asked of the monitor, with the token where there is one. The only place that fetches.

const TOKEN = "argus-token";
let token = stored();
let onRefused = async () => false;

/** Answers with a status that is no success. */
export class RefusedError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** `ask` is awaited where the monitor wants a token: true to try once more. */
export function whenRefused(ask) {
  onRefused = ask;
}

/** Take the token out of the fragment, so that it stands in no address that is shared. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  keepToken(given);
  history.replaceState(null, "", location.pathname + location.search);
}

/** Use `token` from now on, in this tab. */
export function keepToken(given) {
  token = given;
  try {
    sessionStorage.setItem(TOKEN, given);
  } catch {
    // a browser that keeps nothing forgets it with the page
  }
}

/** Whether requests carry a token: then no plain link or image can be fetched by the browser. */
export function hasToken() {
  return Boolean(token);
}

/** `/api/…` with `query`; undefined and null are left out. */
export function path(name, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given).toString();
  return `/api/${name}${text ? `?${text}` : ""}`;
}

/** A response that is good. Throws RefusedError, and TypeError where nobody answers. */
export async function ask(url, options = {}) {
  const headers = new Headers(options.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  const response = await fetch(url, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401 && (await onRefused())) return ask(url, options);
  const answer = await response.json().catch(() => ({}));
  throw new RefusedError(response.status, String(answer.detail || response.statusText || response.status));
}

/** The JSON of an answer. */
export async function json(name, query, signal) {
  return (await ask(path(name, query), { signal })).json();
}

/** Send JSON, and read JSON back. */
export async function send(method, url, document) {
  const headers = { "Content-Type": "application/json" };
  return (await ask(url, { method, headers, body: JSON.stringify(document) })).json();
}

/** The lines of an answer while it comes. */
export async function* linesOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = []; // a line of many megabytes comes in many pieces: they are joined once
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      const lines = value.split("\n");
      if (lines.length > 1) {
        yield held.join("") + lines[0];
        yield* lines.slice(1, -1);
        held = [];
      }
      held.push(lines[lines.length - 1]);
    }
    if (held.join("")) yield held.join("");
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The messages of an event stream: each `{id, event, data}`; `null` for a sign of life. */
export async function* messagesOf(response) {
  let message = { id: null, event: "message", data: "" };
  for await (const raw of linesOf(response)) {
    const line = raw.replace(/\r$/, "");
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (line === "") {
      yield message;
      message = { id: null, event: "message", data: "" };
    } else if (colon === 0) yield null;
    else if (line.startsWith("id:")) message.id = value;
    else if (line.startsWith("event:")) message.event = value;
    else if (line.startsWith("data:")) message.data += message.data ? `\n${value}` : value;
  }
}

function stored() {
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null; // the browser was told to keep nothing
  }
}
