// Tells the customer (and colleagues) that somebody is typing; WeChat shows it for 15 s and takes it no faster.

import { post } from "../shared/api.js";
import { isMine } from "./selectors.js";
import { state } from "../shared/store.js";

const AGAIN_MS = 16_000;
const IDLE_MS = 6_000;

let typing = { id: "", toldAt: 0, idle: 0 };

export function types(id) {
  if (typing.id !== id) stops();
  clearTimeout(typing.idle);
  typing.idle = setTimeout(stops, IDLE_MS);
  if (typing.id === id && Date.now() - typing.toldAt < AGAIN_MS) return;
  typing = { ...typing, id, toldAt: Date.now() };
  tell(id, true);
}

export function stops() {
  clearTimeout(typing.idle);
  if (typing.id) tell(typing.id, false);
  typing = { id: "", toldAt: 0, idle: 0 };
}

// A courtesy: nothing is shown where it fails.
function tell(id, active) {
  const session = state.peek().sessions[id];
  if (!session || !isMine(state.peek(), session)) return;
  post(`/sessions/${id}/typing`, { active }).catch(() => {});
}
