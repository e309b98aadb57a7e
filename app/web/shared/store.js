// The one state of the page, and the clock that waiting times follow.

import { serverNow } from "./api.js";
import { computed, signal } from "./kit.js";
import { EMPTY, reduce } from "./state.js";

const TICK_MS = 1000;

export const state = signal(EMPTY);
export const selectedId = signal("");
export const connected = signal(true);
// The event stream does not come through, so the lists are fetched every few seconds.
export const polled = signal(false);
// The server ended this page's event stream in favour of a newer one of the same person.
export const elsewhere = signal(false);
export const now = signal(serverNow());
export const trouble = signal("");

export const selected = computed(() => state.value.sessions[selectedId.value] ?? state.value.peeked[selectedId.value] ?? null);

export function dispatch(action) {
  state.value = reduce(state.value, action);
}

setInterval(() => (now.value = serverNow()), TICK_MS);
