// The event stream of the console: tells its sections that something happened, at most once a second.
// It is opened only for those who serve nobody: for an agent an open stream would mean that they are connected.

import { urlOf } from "../shared/api.js";
import { signal } from "../shared/kit.js";
import { elsewhere, state } from "../shared/store.js";

const TYPES = [
  "session.assigned", "session.updated", "session.closed", "message.created", "message.updated",
  "queue.changed", "presence.changed", "resync",
];
const TOGETHER_MS = 1_000;

export const happened = signal(0);

let source = null;
let timer = 0;

export function openLive() {
  closeLive();
  if (state.value.me?.kf_account) return;
  source = new EventSource(urlOf("/events"));
  for (const type of TYPES) source.addEventListener(type, note);
  source.addEventListener("replaced", () => {
    closeLive();
    elsewhere.value = true;
  });
}

// After it was ended in favour of a newer one; what was missed is fetched.
export function resumeLive() {
  openLive();
  note();
}

export function closeLive() {
  source?.close();
  source = null;
  elsewhere.value = false;
  clearTimeout(timer);
  timer = 0;
}

function note() {
  timer ||= setTimeout(() => {
    timer = 0;
    happened.value += 1;
  }, TOGETHER_MS);
}
