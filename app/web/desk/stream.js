// The event stream: resumed by the browser after a short break, opened again with a fresh fetch after a long one.
// While it does not come through, the lists are fetched every few seconds.

import { Problem, get, post, urlOf } from "../shared/api.js";
import { considerFetched, seenElsewhere } from "./alerts.js";
import { apply, end, show, tell } from "./link.js";
import { connected, elsewhere, polled, state } from "../shared/store.js";
import { refetch } from "../shared/sync.js";
import { isFollower, join, leave, say, takeOver } from "./tabs.js";
import { TRUSTED, asked, doubted, heard as heardNow, isQuiet, opened } from "./trust.js";

const TYPES = [
  "session.assigned", "session.updated", "session.closed", "message.created", "message.updated",
  "queue.changed", "presence.changed", "viewer.changed", "notice",
];
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 20_000;
const SHOWN_AFTER_MS = 1_500;
const SLEPT_MS = 30_000;
const WATCH_MS = 5_000;
const CONFIRM_MS = 20_000;

let source = null;
let retryMs = FIRST_RETRY_MS;
let timers = { retry: 0, banner: 0 };
let trust = TRUSTED;
let watch = 0;
let watchedAt = 0;
let confirmedAt = 0;

export function openStream() {
  closeStream();
  watchedAt = Date.now();
  trust = asked(TRUSTED, watchedAt);
  watch = setInterval(notice, WATCH_MS);
  join(state.peek().me.kf_account, { lead: connect, hear: relayed, give: quiet });
  if (isFollower()) refetch();
}

// What the leading tab heard, as if this one had heard it itself.
function relayed({ kind, type, data, id, ended, ...how }) {
  if (kind === "seen") return seenElsewhere(id);
  if (kind === "listens") return undefined;
  if (kind === "resume") return isFollower() || resume();
  if (kind === "beat") elsewhere.value = ended;
  trust = heardNow(trust, Date.now());
  if (kind === "event") apply(type, data);
  else if (kind === "link") show(how);
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
  polled.value = false;
  elsewhere.value = false;
}

function quiet() {
  clearTimeout(timers.retry);
  source?.close();
  source = null;
}

function connect() {
  quiet();
  end(false);
  trust = asked(trust, Date.now());
  source = new EventSource(urlOf("/events"));
  // The lists are fetched once the stream is open: whatever changes from then on comes as an event.
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
  source.addEventListener("beat", came);
  source.addEventListener("replaced", replaced);
}

// Reconnecting by itself would end the next page's stream, which would reconnect and end this one.
function replaced() {
  quiet();
  end(true);
}

// After a click in any of the tabs, the one that holds the stream opens it again.
export function resume() {
  if (isFollower()) say({ kind: "resume" });
  else connect();
}

function resync() {
  say({ kind: "resync" });
  refetch();
}

function heard(event) {
  came();
  const data = { ...JSON.parse(event.data), at_ms: Number(event.lastEventId.split("-")[0]) };
  say({ kind: "event", type: event.type, data });
  apply(event.type, data);
}

// A beat is passed on, so that the other tabs can tell a leading tab that the browser froze.
function came() {
  trust = heardNow(trust, Date.now());
  say({ kind: "beat", ended: false });
  if (polled.peek() && trust.trusted) tell({ up: true, polls: false });
}

function up() {
  trust = opened(trust, Date.now());
  clearTimeout(timers.banner);
  timers.banner = 0;
  tell({ up: true, polls: !trust.trusted });
}

// While it is CONNECTING the browser comes back with Last-Event-ID; a CLOSED one stays closed.
function lost() {
  timers.banner ||= setTimeout(() => tell({ up: false, polls: false }), SHOWN_AFTER_MS);
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

// A page that slept, or a connection that died without closing, is not trusted.
function notice() {
  const nowMs = Date.now();
  confirm(nowMs);
  say(isFollower() ? { kind: "listens" } : { kind: "beat", ended: elsewhere.peek() });
  const slept = nowMs - watchedAt > SLEPT_MS;
  watchedAt = nowMs;
  if (isFollower()) {
    if (slept || isSilent(nowMs)) follow(nowMs);
  } else if (!elsewhere.peek()) lead(nowMs, slept);
}

const isSilent = (nowMs) => isQuiet(trust, nowMs) && !document.hidden;

function lead(nowMs, slept) {
  const silent = isQuiet(trust, nowMs);
  if (silent) {
    // Silence is expected of a page that slept and of a stream that is known to be broken.
    if (!slept && connected.peek()) trust = doubted(trust);
    connect();
  }
  if (silent || !trust.trusted || !connected.peek() || polled.peek()) poll();
}

// Fetches in place of the stream, also for the other tabs. An answer shows that the network itself works.
async function poll() {
  const before = state.peek().sessions;
  say({ kind: "resync" });
  const answered = await refetch();
  if (!source || isFollower()) return;
  considerFetched(before, state.peek().sessions);
  tell({ up: answered, polls: answered && (!trust.trusted || source.readyState !== EventSource.OPEN) });
}

// The leading tab may be frozen: after a silence the tab that is looked at leads.
function follow(nowMs) {
  if (isSilent(nowMs)) takeOver(state.peek().me.kf_account, connect);
  trust = asked(trust, nowMs);
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
