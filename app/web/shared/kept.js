// What this browser keeps for the person who is signed in: choices and drafts. Without storage it forgets.

import { ours } from "./place.js";
import { state } from "./store.js";

const PREFIX = ours("kf.desk.");

export function recall(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key(name))) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(key(name), JSON.stringify(value));
  } catch {
    // A private window or a full store: the value lasts as long as the page.
  }
}

function key(name) {
  return `${PREFIX}${state.peek().me?.kf_account ?? ""}.${name}`;
}
