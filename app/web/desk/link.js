// What this page shows of its link to the server, and what the leading tab tells the others of it.

import { batch } from "../shared/kit.js";
import { consider } from "./alerts.js";
import { connected, dispatch, elsewhere, polled, state } from "../shared/store.js";
import { say } from "./tabs.js";

export function apply(type, data) {
  const before = state.peek().sessions[data.session?.id];
  batch(() => dispatch({ type, ...data }));
  consider(type, data, before);
}

export function tell(how) {
  show(how);
  say({ kind: "link", ...how });
}

export function show({ up: isUp, polls }) {
  connected.value = isUp;
  polled.value = polls;
}

export function end(ended) {
  elsewhere.value = ended;
  say({ kind: "beat", ended });
}
