// The event stream: resumed by the browser after a short break, begun anew with a fresh fetch after a long one.

import { Problem, get, post } from "../shared/api.js";
import { batch } from "../shared/kit.js";
import { connected, dispatch } from "./store.js";
import { refetch } from "./sync.js";

const TYPES = [
  "session.assigned", "session.updated", "session.closed", "message.created", "message.updated",
  "queue.changed", "presence.changed",
];
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 20_000;
const SHOWN_AFTER_MS = 1_500;
const SLEPT_MS = 30_000;
const QUIET_MS = 90_000;
const WATCH_MS = 5_000;
const CONFIRM_MS = 20_000;

let source = null;
let retryMs = FIRST_RETRY_MS;
let timers = { retry: 0, banner: 0 };
let heardAt = 0;
let watch = 0;
let watchedAt = 0;
let confirmedAt = 0;

export function openStream() {
  closeStream();
  watchedAt = heardAt = Date.now();
  watch = setInterval(notice, WATCH_MS);
  connect();
}

export function closeStream() {
  clearInterval(watch);
  clearTimeout(timers.retry);
  clearTimeout(timers.banner);
  source?.close();
  source = null;
  connected.value = true;
}

function connect() {
  clearTimeout(timers.retry);
  source?.close();
  source = new EventSource("/api/v1/events");
  // The lists are fetched after the stream stands: whatever changes from then on is told.
  let fresh = true;
  source.onopen = () => {
    retryMs = FIRST_RETRY_MS;
    up();
    if (fresh) refetch();
    fresh = false;
  };
  source.onerror = lost;
  for (const type of TYPES) source.addEventListener(type, heard);
  source.addEventListener("resync", () => refetch());
}

function heard(event) {
  heardAt = Date.now();
  batch(() => dispatch({ type: event.type, ...JSON.parse(event.data) }));
}

function up() {
  heardAt = Date.now();
  clearTimeout(timers.banner);
  timers.banner = 0;
  connected.value = true;
}

// While it is CONNECTING the browser comes back with Last-Event-ID; a CLOSED one stays closed.
function lost() {
  timers.banner ||= setTimeout(() => (connected.value = false), SHOWN_AFTER_MS);
  if (source.readyState !== EventSource.CLOSED) return;
  clearTimeout(timers.retry);
  timers.retry = setTimeout(comeBack, retryMs * (0.5 + Math.random() / 2));
  retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
}

// A refused stream may mean that the login is over: asking tells, and signs out where it is.
async function comeBack() {
  try {
    await get("/me");
    connect();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (source && problem.status !== 401) lost();
  }
}

// A page that slept, or a connection that died without a word, is not trusted.
function notice() {
  const nowMs = Date.now();
  confirm(nowMs);
  const slept = nowMs - watchedAt > SLEPT_MS;
  watchedAt = nowMs;
  if (slept) connect();
  else if (nowMs - heardAt > QUIET_MS && !document.hidden) {
    heardAt = nowMs;
    refetch();
  }
}

// The server cannot see a network that went away without a word; it ends streams that are no longer confirmed.
function confirm(nowMs) {
  if (source?.readyState !== EventSource.OPEN || nowMs - confirmedAt < CONFIRM_MS) return;
  confirmedAt = nowMs;
  post("/me/stream-alive").catch(() => {});
}

addEventListener("online", () => source && connect());
addEventListener("offline", () => source && (connected.value = false));
