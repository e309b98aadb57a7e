// Several tabs of one agent: one of them holds the event stream and tells the others what it hears.
//
// Who leads is decided by a lock of the browser, which a closed or crashed tab gives up by itself. Where the
// browser has none, each tab keeps a stream of its own.

import { ours } from "../shared/place.js";

const LOCK = ours("kf.desk.lead.");
const CHANNEL = ours("kf.desk.");

let channel = null;
let release = null;
let waiting = null;
let leads = false;
let yielded = () => {};

// `lead` is called once this tab is to hold the stream, `hear` with what another tab said, `give` when
// another tab has taken over.
export function join(name, { lead, hear, give }) {
  leave();
  yielded = give;
  if (!globalThis.BroadcastChannel || !navigator.locks) return lead();
  channel = new BroadcastChannel(CHANNEL + name);
  channel.onmessage = ({ data }) => hear(data);
  wait(name, lead, {});
  return undefined;
}

export function leave() {
  waiting?.abort();
  release?.();
  channel?.close();
  channel = release = waiting = null;
  leads = false;
}

export const isFollower = () => Boolean(channel) && !leads;

export function say(message) {
  channel?.postMessage(message);
}

// The leader was not heard for long: the browser may have frozen it.
export function takeOver(name, lead) {
  waiting?.abort();
  wait(name, lead, { steal: true });
}

function wait(name, lead, how) {
  waiting = how.steal ? null : new AbortController();
  const options = how.steal ? how : { signal: waiting.signal };
  const mine = channel;
  navigator.locks.request(LOCK + name, options, () => {
    if (channel !== mine) return undefined;
    leads = true;
    waiting = null;
    lead();
    return new Promise((done) => (release = done));
  }).catch(() => {
    // Given up on purpose, or taken over by another tab: from now on this one listens.
    if (channel !== mine || !leads) return;
    leads = false;
    yielded();
    wait(name, lead, {});
  });
}
