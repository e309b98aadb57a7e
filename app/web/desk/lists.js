// The three lists and which of them is shown.

import { signal } from "../shared/kit.js";
import { closedOnes, mine, waiting } from "./selectors.js";
import { now, state } from "../shared/store.js";

export const LISTS = [
  { name: "mine", of: mine, empty: "list.emptyMine" },
  { name: "waiting", of: waiting, empty: "list.emptyWaiting" },
  { name: "closed", of: (known) => closedOnes(known, now.peek()), empty: "list.emptyClosed" },
];

export const listNames = LISTS.map((one) => one.name);
export const shown = signal("mine");
export const shownList = () => LISTS.find((one) => one.name === shown.value);
export const listed = () => shownList().of(state.peek());
