// The event stream: resumed by the browser after a short break, begun anew with a fresh fetch after a long one.

import { Problem, get, post, urlOf } from "../shared/api.js";
import { batch } from "../shared/kit.js";
import { consider, seenElsewhere } from "./alerts.js";
import { connected, dispatch, state } from "./store.js";
import { refetch } from "./sync.js";
import { isFollower, join, leave, say, takeOver } from "./tabs.js";

const TYPES = [
  "session.assigned", "session.updated", "session.closed", "message.created", "message.updated",
  "queue.changed", "presence.changed", "viewer.changed", "notice",
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
  join(state.peek().me.kf_account, { lead: connect, hear: relayed, give: quiet });
  if (isFollower()) refetch();
}

// What the leading tab heard, as if this one had heard it itself.
function relayed({ kind, type, data, id, up: stands }) {
  if (kind === "seen") return seenElsewhere(id);
  if (kind === "listens") return undefined;
  heardAt = Date.now();
  if (kind === "event") apply(type, data);
  else if (kind === "stands") connected.value = stands;
  else if (kind === "resync") refetch();
  return undefined;
}

export function closeStream() {
  clearInterval(watch);
  clearTimeout(timers.banner);
  watch = 0;
  quiet();
  leave();
  connected.value = true;
}

function quiet() {
  clearTimeout(timers.retry);
  source?.close();
  source = null;
}

function connect() {
  quiet();
  source = new EventSource(urlOf("/events"));
  // The lists are fetched after the stream stands: whatever changes from then on is told.
  let fresh = true;
  source.onopen = () => {
    retryMs = FIRST_RETRY_MS;
    up();
    if (fresh) resync();
    fresh = false;
  };
  source.onerror = lost;
  for (const type of TYPES) source.addEventListener(type, heard);
  source.addEventListener("resync", resync);
}

function resync() {
  say({ kind: "resync" });
  refetch();
}

function heard(event) {
  heardAt = Date.now();
  const data = { ...JSON.parse(event.data), at_ms: Number(event.lastEventId.split("-")[0]) };
  say({ kind: "event", type: event.type, data });
  apply(event.type, data);
}

function apply(type, data) {
  const before = state.peek().sessions[data.session?.id];
  batch(() => dispatch({ type, ...data }));
  consider(type, data, before);
}

function up() {
  heardAt = Date.now();
  clearTimeout(timers.banner);
  timers.banner = 0;
  connected.value = true;
  say({ kind: "stands", up: true });
}

// While it is CONNECTING the browser comes back with Last-Event-ID; a CLOSED one stays closed.
function lost() {
  timers.banner ||= setTimeout(down, SHOWN_AFTER_MS);
  if (source.readyState !== EventSource.CLOSED) return;
  clearTimeout(timers.retry);
  timers.retry = setTimeout(comeBack, retryMs * (0.5 + Math.random() / 2));
  retryMs = Math.min(retryMs * 2, LAST_RETRY_MS);
}

function down() {
  connected.value = false;
  say({ kind: "stands", up: false });
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
  say({ kind: isFollower() ? "listens" : "beat" });
  const slept = nowMs - watchedAt > SLEPT_MS;
  watchedAt = nowMs;
  if (isFollower()) {
    if (slept || isQuiet(nowMs)) follow(nowMs);
  } else if (slept) connect();
  else if (isQuiet(nowMs)) {
    heardAt = nowMs;
    refetch();
  }
}

const isQuiet = (nowMs) => nowMs - heardAt > QUIET_MS && !document.hidden;

// The leading tab may be frozen: after a long silence the tab that is looked at leads.
function follow(nowMs) {
  if (isQuiet(nowMs)) takeOver(state.peek().me.kf_account, connect);
  heardAt = nowMs;
  refetch();
}

// The server cannot see a network that went away without a word; it ends streams that are no longer confirmed.
function confirm(nowMs) {
  if (source?.readyState !== EventSource.OPEN || nowMs - confirmedAt < CONFIRM_MS) return;
  confirmedAt = nowMs;
  post("/me/stream-alive").catch(() => {});
}

// Back on screen after a while: what a frozen page missed is fetched without waiting for the next tick.
document.addEventListener("visibilitychange", () => !document.hidden && watch && notice());
addEventListener("online", () => source && connect());
addEventListener("offline", () => source && (connected.value = false));
