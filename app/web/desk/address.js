// The open conversation is in the page's address, so that a phone's back button leads to the list.

import { effect } from "../shared/kit.js";
import { selectedId, state } from "../shared/store.js";
import { open } from "../shared/sync.js";

const MARK = "#c/";

export function go(id) {
  if (id) location.hash = MARK.slice(1) + id;
  else history.pushState(null, "", location.pathname + location.search);
  read();
}

export function followAddress() {
  addEventListener("hashchange", read);
  addEventListener("popstate", read);
  let known = false;
  effect(() => {
    const signedIn = Boolean(state.value.me) && Object.keys(state.value.sessions).length > 0;
    if (signedIn && !known) queueMicrotask(read);
    known = signedIn;
  });
}

function read() {
  const id = location.hash.startsWith(MARK) ? location.hash.slice(MARK.length) : "";
  if (id !== selectedId.peek()) open(id);
}
