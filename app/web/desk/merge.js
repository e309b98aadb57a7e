// When few replies are left, quick successive lines wait a moment and go out as one message.

import { signal } from "../shared/kit.js";
import { byteLength, TEXT_BYTES_MAX } from "./limits.js";
import { setDraft, draftOf } from "./drafts.js";
import { sendText } from "../shared/outgoing.js";
import { now, state } from "../shared/store.js";

export const MERGE_FROM = 2;
const HOLD_MS = 6_000;

export const held = signal({});
const timers = new Map();

// Sends at once while there are enough replies; else adds to what is held.
export function sendOrHold(session, text) {
  if (session.budget.remaining > MERGE_FROM) return sendText(session, text);
  const before = held.peek()[session.id];
  if (before && byteLength(`${before.text}\n${text}`) > TEXT_BYTES_MAX) release(session.id);
  const lines = held.peek()[session.id];
  hold(session, { text: lines ? `${lines.text}\n${text}` : text, lines: (lines?.lines ?? 0) + 1 });
}

export function release(id) {
  const waiting = drop(id);
  const session = state.peek().sessions[id];
  if (waiting && session) sendText(session, waiting.text);
}

// Back into the box, in front of what was written since.
export function takeBack(id) {
  const waiting = drop(id);
  if (waiting) setDraft(id, [waiting.text, draftOf(id)].filter(Boolean).join("\n"));
}

function hold(session, { text, lines }) {
  clearTimeout(timers.get(session.id));
  timers.set(session.id, setTimeout(() => release(session.id), HOLD_MS));
  held.value = { ...held.peek(), [session.id]: { text, lines, until: now.peek() + HOLD_MS } };
}

function drop(id) {
  clearTimeout(timers.get(id));
  timers.delete(id);
  const { [id]: waiting, ...others } = held.peek();
  held.value = others;
  return waiting;
}

addEventListener("pagehide", () => Object.keys(held.peek()).forEach(takeBack));
