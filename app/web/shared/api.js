// The HTTP API: one envelope for answers, one shape for errors, the CSRF token on unsafe methods.

// Without a slash in front: below the page's own folder, wherever a proxy puts it.
const BASE = "api/v1";
const TIMEOUT_MS = 15_000;

let csrfToken = "";
let onSignedOut = () => {};
let account = "";
let clockAheadMs = 0;

export class Problem extends Error {
  // status 0: no answer came, so whether the server did it is not known.
  constructor(status, code, body = {}) {
    super(code);
    this.status = status;
    this.code = code;
    this.body = body;
  }
}

export function useCsrfToken(token) {
  csrfToken = token;
}

// The official account that every request is about; "" = the caller's own, or the only one.
export function useAccount(appid) {
  account = appid;
}

// Where something of the API is, for whoever asks without `call`: a stream, a picture, a download.
export function urlOf(path) {
  return BASE + (account ? withQuery(path, { appid: account }) : path);
}

export function whenSignedOut(callback) {
  onSignedOut = callback;
}

// The server's clock, so that waiting times are right on a computer whose clock is not.
export function serverNow() {
  return Date.now() - clockAheadMs;
}

export const get = async (path) => (await call("GET", path)).data;
export const post = async (path, body = {}) => (await call("POST", path, body)).data;
export const put = async (path, body) => (await call("PUT", path, body)).data;
export const patch = async (path, body) => (await call("PATCH", path, body)).data;

// Every page of a list, up to `most` items.
export async function getAll(path, most = 1000) {
  const found = [];
  let cursor = "";
  do {
    const answer = await call("GET", cursor ? withQuery(path, { cursor }) : path);
    found.push(...answer.data);
    cursor = answer.meta?.next_cursor ?? answer.meta?.cursor ?? "";
  } while (cursor && found.length < most);
  return found;
}

export function withQuery(path, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== ""));
  return `${path}${path.includes("?") ? "&" : "?"}${query}`;
}

export async function upload(path, file) {
  const form = new FormData();
  form.append("file", file, file.name || "image");
  return (await call("POST", path, form)).data;
}

export async function call(method, path, body) {
  const answer = await ask(method, path, body);
  noteClock(answer.headers.get("Date"));
  const text = await answer.text().catch(() => "");
  const content = parse(text);
  if (answer.ok) return content;
  if (answer.status === 401 && path !== "/login") onSignedOut();
  throw new Problem(answer.status, content.code ?? "unexpected", content);
}

async function ask(method, path, body) {
  const form = body instanceof FormData;
  const headers = { Accept: "application/json" };
  if (body !== undefined && !form) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  const content = form || body === undefined ? body : JSON.stringify(body);
  const signal = timeLimit(form ? TIMEOUT_MS * 4 : TIMEOUT_MS);
  try {
    return await fetch(urlOf(path), { method, headers, body: content, signal, cache: "no-store" });
  } catch {
    throw new Problem(0, "network");
  }
}

// WeChat's own browser may be too old for the short way.
function timeLimit(ms) {
  if (AbortSignal.timeout) return AbortSignal.timeout(ms);
  const control = new AbortController();
  setTimeout(() => control.abort(), ms);
  return control.signal;
}

function parse(text) {
  if (!text) return { data: null };
  try {
    return JSON.parse(text);
  } catch {
    return { code: "unexpected" };
  }
}

// The Date header has whole seconds: half a second is added, less than that is not worth correcting.
function noteClock(date) {
  const ahead = date ? Date.now() - (Date.parse(date) + 500) : NaN;
  if (!Number.isNaN(ahead)) clockAheadMs = Math.abs(ahead) > 2000 ? ahead : 0;
}
